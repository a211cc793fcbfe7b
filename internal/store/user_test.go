package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

func TestAUserIsHeldAgainstTheRestOfTheConfiguration(t *testing.T) {
	s := filled(t)
	for path, c := range map[string]struct {
		u    federation.User
		word string
	}{
		"node":       {federation.User{UserID: "x", Licensed: true, Node: "none.com"}, "There is no node none.com"},
		"im_address": {federation.User{UserID: "x", Licensed: true, Node: "imp1.synergy.com", IMAddress: "x@nowhere.com"}, "nowhere.com is not among the domains"},
	} {
		_, err := s.SaveUser(actor(t), c.u)
		invalid(t, err, path, c.word)
	}
	_, err := s.SaveUser(actor(t), federation.User{UserID: "x", Licensed: true, Node: "imp1.synergy.com", IMAddress: "ANN@synergy.com"})
	invalid(t, err, "im_address", "ann has the address ann@synergy.com already")
	must(s.SaveUser(actor(t), federation.User{UserID: "x", IMAddress: "ann@synergy.com"})) // not licensed: no rival
}

func TestARoutingNodeHomesNobody(t *testing.T) {
	s := filled(t)
	n := first(t, s.ListNodes, "name", "imp1.synergy.com")
	n.Routing = true
	_, err := s.SaveNode(actor(t), n)
	invalid(t, err, "routing", "Users are homed on imp1.synergy.com (1)")
	n = first(t, s.ListNodes, "name", "imp2.synergy.com")
	n.Routing = true
	must(s.SaveNode(actor(t), n))
	_, err = s.SaveUser(actor(t), federation.User{UserID: "x", Licensed: true, Node: "imp2.synergy.com"})
	invalid(t, err, "node", "routing node")
}

func TestTheSchemeDecidesTheAddressOfEveryUser(t *testing.T) {
	s := filled(t)
	must(s.SaveUser(actor(t), federation.User{UserID: "cid", Licensed: true, Node: "imp1.synergy.com", IMAddress: "hand@synergy.com", Mail: "c@synergy.com"}))
	for _, c := range []struct{ scheme, source, want string }{
		{federation.SchemeDirectoryURI, federation.SourceMail, "ann.lee@synergy.com bob@synergy.com hand@synergy.com"},
		{federation.SchemeUserID, federation.SourceMail, "ann@synergy.com bob@synergy.com hand@synergy.com"},
	} {
		settings := must(s.Settings(t.Context()))
		settings.IMAddressScheme, settings.DirectoryURISource = c.scheme, c.source
		ok(t, s.SaveSettings(actor(t), settings))
		var got string
		ok(t, s.pool.QueryRow(t.Context(), `SELECT string_agg(address, ' ' ORDER BY key) FROM users`).Scan(&got))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.scheme, got, c.want)
		}
	}
}

func TestAddressesFollowTheDefaultDomain(t *testing.T) {
	s := filled(t)
	settings := must(s.Settings(t.Context()))
	settings.DefaultDomain = "other.com"
	ok(t, s.SaveSettings(actor(t), settings))
	if u := first(t, s.ListUsers, "im_address", "ann@other.com"); u.UserID != "ann" {
		t.Errorf("%+v", u)
	}
	settings.DefaultDomain = ""
	refused(t, s.SaveSettings(actor(t), settings), "1 licensed user would have no IM address, ann among them")
}

func TestASchemeThatWouldClashIsRefused(t *testing.T) {
	s := filled(t)
	settings := must(s.Settings(t.Context()))
	settings.IMAddressScheme, settings.DirectoryURISource = federation.SchemeDirectoryURI, federation.SourceMicrosoft
	refused(t, unchanged(t, s, func() error { return s.SaveSettings(actor(t), settings) }), "1 licensed user would have no IM address", "ann")
	must(s.SaveUser(actor(t), federation.User{UserID: "cid", Licensed: true, Node: "imp1.synergy.com", Mail: "ann.lee@synergy.com"}))
	settings.DirectoryURISource = federation.SourceMail
	refused(t, unchanged(t, s, func() error { return s.SaveSettings(actor(t), settings) }), "ann, cid would all have the address ann.lee@synergy.com")
	must(s.SaveUser(actor(t), federation.User{UserID: "dan", Licensed: true, Node: "imp1.synergy.com", Mail: "dan@far.com"}))
	cid := first(t, s.ListUsers, "id", "cid")
	cid.Mail = "cid@synergy.com"
	must(s.SaveUser(actor(t), cid))
	refused(t, s.SaveSettings(actor(t), settings), "Users have addresses in far.com (1)")
}

func TestUsersTradeTheirAddressesInOneDocument(t *testing.T) {
	s := filled(t)
	c := small()
	c.Users = []federation.User{
		{UserID: "ann", Licensed: true, Node: "imp1.synergy.com", IMAddress: "eve@synergy.com"},
		{UserID: "eve", Licensed: true, Node: "imp1.synergy.com", IMAddress: "ann@synergy.com"},
	}
	must(s.Apply(actor(t), "first", becomes(c)))
	c.Users[0].IMAddress, c.Users[1].IMAddress = c.Users[1].IMAddress, c.Users[0].IMAddress
	must(s.Apply(actor(t), "traded", becomes(c)))
	if u := first(t, s.ListUsers, "im_address", "ann@synergy.com"); u.UserID != "ann" {
		t.Errorf("%+v", u)
	}
}

// ids are the user ids of facts in order.
func ids(facts []federation.UserFact) []string {
	list := []string{}
	for _, f := range facts {
		list = append(list, f.UserID)
	}
	slices.Sort(list)
	return list
}

func TestNodesFollowUsersRowByRow(t *testing.T) {
	s := filled(t)
	facts, gone, upTo, err := s.UserFacts(t.Context(), 0)
	ok(t, err)
	if !slices.Equal(ids(facts), []string{"ann", "bob"}) || len(gone) != 0 || upTo != must(s.Revision(t.Context())) {
		t.Errorf("%v %v %d", facts, gone, upTo)
	}
	for _, f := range facts {
		if f.UserID == "ann" && (f.Address != "ann@synergy.com" || f.Node != "imp1.synergy.com" || !f.Licensed) ||
			f.UserID == "bob" && (f.MicrosoftAddress != "bob@synergy.com" || f.Node != "" || f.Licensed) {
			t.Errorf("%+v", f)
		}
	}
	step := func(what string, change func(), wantFacts, wantGone []string) {
		t.Helper()
		change()
		facts, gone, next, err := s.UserFacts(t.Context(), upTo)
		ok(t, err)
		slices.Sort(gone)
		if !slices.Equal(ids(facts), wantFacts) || !slices.Equal(gone, wantGone) || next < upTo {
			t.Errorf("%s: changed %v, gone %v, up to %d after %d", what, ids(facts), gone, next, upTo)
		}
		upTo = next
	}
	one := func(name string) federation.User { return first(t, s.ListUsers, "id", name) }
	step("nothing", func() {}, []string{}, []string{})
	step("another thing changed", func() { must(s.SaveDomain(actor(t), federation.Domain{Name: "x.com"})) }, []string{}, []string{})
	step("one came", func() { must(s.SaveUser(actor(t), federation.User{UserID: "cid"})) }, []string{"cid"}, []string{})
	step("one went", func() { ok(t, s.DeleteUsers(actor(t), []int64{one("cid").ID})) }, []string{}, []string{"cid"})
	step("one came back", func() { must(s.SaveUser(actor(t), federation.User{UserID: "cid"})) }, []string{"cid"}, []string{})
	step("one was renamed", func() { u := one("cid"); u.UserID = "Cyd"; must(s.SaveUser(actor(t), u)) }, []string{"Cyd"}, []string{"cid"})
	step("only the case changed", func() { u := one("cyd"); u.UserID = "cyd"; must(s.SaveUser(actor(t), u)) }, []string{"cyd"}, []string{"Cyd"})
	step("their node was renamed", func() {
		n := first(t, s.ListNodes, "name", "imp1.synergy.com")
		n.Name = "new.synergy.com"
		must(s.SaveNode(actor(t), n))
	}, []string{"ann"}, []string{})
	step("the scheme changed", func() {
		settings := must(s.Settings(t.Context()))
		settings.IMAddressScheme = federation.SchemeDirectoryURI
		ok(t, s.SaveSettings(actor(t), settings))
	}, []string{"ann", "cyd"}, []string{})
}

func TestAHundredThousandUsersListAndSaveFast(t *testing.T) {
	s := filled(t)
	ok(t, raw(t, s, `INSERT INTO users (key, user_id, address, licensed, node)
		SELECT 'user' || n, 'user' || n, 'user' || n || '@synergy.com', true, 'imp1.synergy.com' FROM generate_series(1, 100000) n`))
	ok(t, raw(t, s, `ANALYZE users`))
	if count := must(s.Snapshot(t.Context())).Usage.ByNode["imp1.synergy.com"]; count != 100001 {
		t.Errorf("%d users are counted", count)
	}
	for name, step := range map[string]func() error{
		"first page": func() error { _, err := s.ListUsers(t.Context(), listing.Query{}); return err },
		"last page":  func() error { _, err := s.ListUsers(t.Context(), listing.Query{Page: 4001}); return err },
		"begins with": func() error {
			_, err := s.ListUsers(t.Context(), listing.Query{Field: "id", Text: "user9999"})
			return err
		},
		"any field": func() error {
			_, err := s.ListUsers(t.Context(), listing.Query{Op: listing.Contains, Text: "9999"})
			return err
		},
		"save a user": func() error {
			u := first(t, s.ListUsers, "id", "user77")
			u.Mail = "x" + strings.TrimSuffix(u.Mail, "@synergy.com") + "@synergy.com"
			_, err := s.SaveUser(actor(t), u)
			return err
		},
		"save another thing": func() error {
			_, err := s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: fmt.Sprintf("10.0.0.%d", must(s.Revision(t.Context())))})
			return err
		},
	} {
		best := time.Hour
		for range 2 {
			start := time.Now()
			if err := step(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			best = min(best, time.Since(start))
		}
		t.Logf("%s: %v", name, best)
		if best > time.Second {
			t.Errorf("%s takes %v with 100,000 users", name, best)
		}
	}
}
