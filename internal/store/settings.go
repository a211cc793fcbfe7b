package store

import (
	"context"
	"encoding"
	"fmt"
	"strconv"

	"isthmus/internal/federation"
)

// A savedSetting is a row of the settings table. It is there only when somebody saved it; the others are defaults.
type savedSetting struct {
	Name  string
	Value string
}

const upsertSetting = `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`

// settingFields are the settings by their names, as pointers into s.
func settingFields(s *federation.Settings) map[string]any {
	return map[string]any{
		"partitioned_federation": &s.PartitionedFederation, "routing_mode": &s.RoutingMode, "email_federation": &s.EmailFederation,
		"require_peer_certificate": &s.RequirePeerCertificate, "node_transport": &s.NodeTransport,
		"im_address_scheme": &s.IMAddressScheme, "directory_uri_source": &s.DirectoryURISource, "default_domain": &s.DefaultDomain,
		"max_contacts": &s.MaxContacts, "max_watchers": &s.MaxWatchers, "auto_authorize": &s.AutoAuthorize,
	}
}

// settingText is a setting as it is stored.
func settingText(field any) (string, error) {
	switch v := field.(type) {
	case *bool:
		return strconv.FormatBool(*v), nil
	case *string:
		return *v, nil
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		return string(b), err
	}
	return "", fmt.Errorf("a setting of type %T cannot be stored", field)
}

// setSetting reads what settingText wrote.
func setSetting(field any, text string) (err error) {
	switch v := field.(type) {
	case *bool:
		*v, err = strconv.ParseBool(text)
	case *string:
		*v = text
	case encoding.TextUnmarshaler:
		err = v.UnmarshalText([]byte(text))
	default:
		err = fmt.Errorf("a setting of type %T cannot be read", field)
	}
	return err
}

// settingsFrom puts what was saved over the defaults. A value that no version of the program writes, put there by hand,
// counts as not saved: the default holds, and the list of saved names does not have it.
func settingsFrom(rows []savedSetting) (federation.Settings, []string) {
	s := federation.DefaultSettings()
	fields := settingFields(&s)
	names := []string{}
	for _, row := range rows {
		if field, ok := fields[row.Name]; ok && setSetting(field, row.Value) == nil {
			names = append(names, row.Name)
		}
	}
	return s, names
}

// Settings are those in force: what was saved, over the defaults.
func (s *Store) Settings(ctx context.Context) (federation.Settings, error) {
	snapshot, err := s.Snapshot(ctx)
	return snapshot.Settings, err
}

// SaveSettings saves what differs from the settings in force; what stays a default stays unsaved.
func (s *Store) SaveSettings(ctx context.Context, settings federation.Settings) error {
	settings.Normalize()
	if err := federation.Invalid(settings.Problems()).Err(); err != nil {
		return err
	}
	return s.change(ctx, func(ctx context.Context, w *work) error {
		w.edited = func(*federation.Configuration) string { return federation.SectionSettings }
		w.action = "changed settings"
		return w.saveSettings(ctx, settings)
	})
}

// saveSettings writes the settings that differ, and the addresses of users that follow from them.
func (w *work) saveSettings(ctx context.Context, settings federation.Settings) error {
	fields := settingFields(&settings)
	changes := federation.FieldChanges(&w.before.Settings, &settings)
	w.settings = settings
	derive := false
	for _, change := range changes {
		text, err := settingText(fields[change.Name])
		if err != nil {
			return err
		}
		if _, err := w.tx.Exec(ctx, upsertSetting, change.Name, text); err != nil {
			return err
		}
		w.note("setting", federation.Changed, change.Name, []federation.FieldChange{change})
		switch change.Name {
		case "im_address_scheme", "directory_uri_source", "default_domain":
			derive = true
		}
	}
	if derive {
		return w.deriveAddresses(ctx)
	}
	return nil
}
