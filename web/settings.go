package web

import (
	"context"
	"errors"
	"net/http"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/templates"
)

// previewed is how many users the settings page shows addresses of.
const previewed = 5

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	settings := snapshot.Settings
	return s.settingsPage(w, r, http.StatusOK, templates.Form{Path: "/settings", Was: fingerprint(&settings), Values: spread(&settings), ReadOnly: !may(r, auth.Administer)})
}

func (s *Server) settingsPage(w http.ResponseWriter, r *http.Request, status int, form templates.Form) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	preview, err := s.preview(r.Context(), snapshot.Settings)
	if err != nil {
		return err
	}
	findings, err := s.settingsFindings(r.Context(), snapshot)
	if err != nil {
		return err
	}
	var domains []string
	for _, d := range snapshot.Domains {
		domains = append(domains, d.Name)
	}
	return s.render(w, r, status, templates.SettingsPage(s.frame(r, "Settings", "/settings"), form, domains, preview, findings, routingFacts(&snapshot, may(r, auth.Change))))
}

// preview shows what each address scheme gives the first users (guide p.20-21).
func (s *Server) preview(ctx context.Context, in federation.Settings) ([]templates.AddressPreview, error) {
	page, err := s.store.ListUsers(ctx, listing.Query{})
	reachOf(ctx).miss(err)
	if reachOf(ctx).away() != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	byID := in
	byID.IMAddressScheme = federation.SchemeUserID
	var list []templates.AddressPreview
	for _, u := range page.Items[:min(previewed, len(page.Items))] {
		list = append(list, templates.AddressPreview{UserID: u.UserID, ByID: byID.IMAddressOf(u), ByMail: u.Mail,
			Microsoft: u.MicrosoftAddress, InForce: u.Address(in)})
	}
	return list, nil
}

// settingsFindings are settings that fit neither the domains nor the users.
func (s *Server) settingsFindings(ctx context.Context, snapshot federation.Snapshot) ([]templates.Finding, error) {
	var list []templates.Finding
	if n := len(snapshot.Domains); n > 1 && snapshot.Settings.IMAddressScheme == federation.SchemeUserID {
		f := severalDomains(n)
		f.Href, f.Link = "#field-im_address_scheme", "Change it below"
		list = append(list, f)
	}
	if snapshot.Settings.RoutingMode != federation.RoutingAdvanced || reachOf(ctx).away() != nil {
		return list, nil
	}
	known, err := s.store.ListUsers(ctx, listing.Query{Field: "microsoft_address", Op: listing.IsNotEmpty})
	if err == nil && known.Total == 0 {
		list = append(list, templates.Finding{Mark: templates.Down, Title: "Advanced routing knows no Microsoft SIP address",
			Text: "It sends only to recipients whose Microsoft SIP address is among the users, and there is none. Choose basic routing, or enter the addresses.", Href: "/users", Link: "Show the users"})
	}
	return list, err
}

func (s *Server) saveSettings(w http.ResponseWriter, r *http.Request) error {
	if err := reachOf(r.Context()).away(); err != nil {
		return s.unsavedSettings(w, r, notTried{err})
	}
	before, err := s.store.Settings(r.Context())
	if unsaved(err) {
		return s.unsavedSettings(w, r, err)
	}
	if err != nil {
		return err
	}
	if invalid := stale(r.PostForm, &before); len(invalid) > 0 {
		form := templates.Form{Path: "/settings", Was: fingerprint(&before), Values: typed(r.PostForm, &before), Invalid: invalid}
		return s.settingsPage(w, r, http.StatusConflict, form)
	}
	settings := before
	invalid := fill(r.PostForm, &settings)
	settings.Normalize()
	if len(invalid) > 0 {
		err = withRules(invalid, &settings)
	} else if before.PartitionedFederation != settings.PartitionedFederation && r.PostForm.Has("ask") && len(settings.Problems()) == 0 {
		return s.askFederation(w, r, settings.PartitionedFederation)
	} else {
		err = s.store.SaveSettings(r.Context(), settings)
	}
	err = asInvalid(err, changedAddress(before, settings))
	if errors.As(err, &invalid) {
		return s.settingsPage(w, r, http.StatusUnprocessableEntity, templates.Form{Path: "/settings", Was: r.PostForm.Get("was"), Values: typed(r.PostForm, &settings), Invalid: invalid})
	}
	if unsaved(err) {
		return s.unsavedSettings(w, r, err)
	}
	return s.done(w, r, err, "/settings", "Saved. "+settingsEffect(before, settings))
}

// unsavedSettings are settings that the database did not take, as they were typed: they can be sent again.
func (s *Server) unsavedSettings(w http.ResponseWriter, r *http.Request, err error) error {
	return s.giveBack(r, err, func(r *http.Request, status int, why federation.Invalid) error {
		snapshot, err := s.snapshot(r.Context())
		if err != nil {
			return err
		}
		form := templates.Form{Path: "/settings", Was: r.PostForm.Get("was"), Values: typed(r.PostForm, &snapshot.Settings), Invalid: why}
		return s.settingsPage(w, r, status, form)
	})
}

// changedAddress is the field that gives users other addresses than before: what a refusal of settings is about.
func changedAddress(before, after federation.Settings) string {
	switch {
	case before.IMAddressScheme != after.IMAddressScheme:
		return "im_address_scheme"
	case before.DirectoryURISource != after.DirectoryURISource:
		return "directory_uri_source"
	case before.DefaultDomain != after.DefaultDomain:
		return "default_domain"
	}
	return ""
}

// settingsEffect tells what the most consequential change does.
func settingsEffect(before, after federation.Settings) string {
	switch {
	case !before.PartitionedFederation && after.PartitionedFederation:
		return "Federation is on: requests for recipients who are not licensed here go to the Microsoft side."
	case before.PartitionedFederation && !after.PartitionedFederation:
		return "Federation is off: requests for recipients who are not licensed here are answered with 404."
	case before.IMAddressScheme != after.IMAddressScheme || before.DirectoryURISource != after.DirectoryURISource:
		return "Everybody's IM address follows the new scheme; those entered by hand stay."
	}
	return ""
}
