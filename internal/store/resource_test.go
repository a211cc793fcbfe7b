package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

func TestWhatIsSavedComesBackWhole(t *testing.T) {
	s := filled(t)
	snapshot := must(s.Configuration(t.Context()))
	want := small()
	if d := federation.Diff(&want, &snapshot); len(d) > 0 {
		t.Errorf("differs by %v", d)
	}
	for _, section := range snapshot.Sections() {
		if len(section.Objects) == 0 {
			t.Errorf("no %s came back", section.Name)
		}
	}
}

// crud goes the whole way of one resource: add, read, change, list, delete.
func crud[T any, P row[T]](t *testing.T, s *Store, tbl *table[T, P], v T, edit func(P)) {
	t.Helper()
	added, err := tbl.save(actor(t), s, v)
	ok(t, err)
	id := *tbl.id(&added)
	if read := must(tbl.get(t.Context(), s, id)); len(federation.FieldChanges(&added, &read)) > 0 || id == 0 {
		t.Errorf("%s: saved %+v, read %+v", tbl.kind, added, read)
	}
	edit(&added)
	changed, err := tbl.save(actor(t), s, added)
	ok(t, err)
	if read := must(tbl.get(t.Context(), s, id)); len(federation.FieldChanges(&changed, &read)) > 0 {
		t.Errorf("%s: changed to %+v, read %+v", tbl.kind, changed, read)
	}
	if page := must(tbl.page(t.Context(), s, listing.Query{})); page.Total == 0 {
		t.Errorf("%s: nothing is listed", tbl.kind)
	}
	twin := changed
	*tbl.id(&twin) = 0
	var problems federation.Invalid
	if _, err := tbl.save(actor(t), s, twin); !errors.As(err, &problems) || problems[0].Path != tbl.taken(&twin).Path {
		t.Errorf("%s: a second one with the key is answered %v", tbl.kind, err)
	}
	ok(t, tbl.delete(actor(t), s, []int64{id, id}))
	if _, err := tbl.get(t.Context(), s, id); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("%s: a deleted one is answered %v", tbl.kind, err)
	}
	if _, err := tbl.save(actor(t), s, changed); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("%s: saving a deleted one is answered %v", tbl.kind, err)
	}
	if err := tbl.delete(actor(t), s, []int64{id}); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("%s: deleting a deleted one is answered %v", tbl.kind, err)
	}
}

func TestEveryResourceIsAddedReadChangedListedAndDeleted(t *testing.T) {
	s := filled(t)
	crud(t, s, domains, federation.Domain{Name: "New.com"}, func(d *federation.Domain) { d.Name = "newer.com" })
	crud(t, s, nodes, federation.Node{Name: "imp3.synergy.com", Address: "127.0.0.13"}, func(n *federation.Node) {
		n.Name, n.Backup, n.Services = "imp4.synergy.com", "imp1.synergy.com", []string{"sip_proxy"}
	})
	route := small().StaticRoutes[0]
	route.Port = 5099
	crud(t, s, staticRoutes, route, func(r *federation.StaticRoute) { r.Weight, r.Blocked = 7, true })
	crud(t, s, aclEntries, federation.ACLEntry{Pattern: "10.0.0.0/8"}, func(e *federation.ACLEntry) { e.Description = "lab" })
	crud(t, s, tlsPeerSubjects, federation.TLSPeerSubject{Name: "CN=Fe9.synergy.com"}, func(p *federation.TLSPeerSubject) { p.Name = "fe8.synergy.com" })
	crud(t, s, tlsContexts, federation.TLSContext{Name: "lab", MinVersion: "1.0"}, func(c *federation.TLSContext) {
		c.Name, c.PeerSubjects, c.Ciphers = "lab 2", []string{"fe1.synergy.com"}, []string{"TLS_RSA_WITH_AES_128_CBC_SHA"}
	})
	crud(t, s, listeners, federation.Listener{Name: "lab", Transport: "tls", Port: 7061, TLSContext: federation.ServerAuthContext}, func(l *federation.Listener) { l.Transport, l.TLSContext = "tcp", "" })
	crud(t, s, federatedDomains, federation.FederatedDomain{Name: "far.com"}, func(d *federation.FederatedDomain) { d.Direct = true })
	crud(t, s, userTable, federation.User{UserID: "Cid", Licensed: true, Node: "imp1.synergy.com"}, func(u *federation.User) { u.UserID, u.Mail = "cyd", "cyd@synergy.com" })
}

func TestAKeyThatIsListedIsRefusedAtItsField(t *testing.T) {
	s := filled(t)
	_, err := s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "127.0.0.21"})
	invalid(t, err, "pattern", "127.0.0.21 is listed already. Change that entry, or enter another pattern.")
	_, err = s.SaveTLSPeerSubject(actor(t), federation.TLSPeerSubject{Name: "FE1.synergy.com"})
	invalid(t, err, "name", "fe1.synergy.com is listed already. Change that entry, or enter another name.")
	_, err = s.SaveUser(actor(t), federation.User{UserID: "ANN", IMAddress: "other@synergy.com"})
	invalid(t, err, "id", "ANN is listed already")
	renamed := first(t, s.ListNodes, "name", "imp2.synergy.com")
	renamed.Name = "imp1.synergy.com"
	_, err = s.SaveNode(actor(t), renamed)
	invalid(t, err, "name", "imp1.synergy.com is listed already")
}

func TestAProblemWithAnotherRowIsToldAtTheFieldInFrontOfOne(t *testing.T) {
	s := filled(t)
	udp := first(t, s.ListListeners, "port", "5062")
	udp.Port = 5061 // "... Peer Auth", which has 5061, comes before this one and after it by turns of name
	_, err := s.SaveListener(actor(t), udp)
	invalid(t, err, "port", "Port 5061 is taken by the listener", "Peer Auth")
	peer := first(t, s.ListListeners, "port", "5061")
	peer.Port = 5062
	_, err = s.SaveListener(actor(t), peer)
	invalid(t, err, "port", "Port 5062 is taken by the listener", "Server Auth")
	_, err = s.SaveListener(actor(t), federation.Listener{Name: "AAA", Transport: "tcp", Port: 5060})
	invalid(t, err, "port", "Port 5060 is taken")
	_, err = s.SaveNode(actor(t), federation.Node{Name: "aaa.synergy.com", Address: "127.0.0.12"})
	invalid(t, err, "address", "imp2.synergy.com has this address already")
	route := small().StaticRoutes[0]
	route.NextHop = "127.0.0.12"
	_, err = s.SaveStaticRoute(actor(t), route)
	invalid(t, err, "next_hop", "belongs to the node imp2.synergy.com")
	_, err = s.SaveTLSContext(actor(t), federation.TLSContext{Name: "lab", MinVersion: "1.2", PeerSubjects: []string{"no.synergy.com"}})
	invalid(t, err, "peer_subjects[0]", "no.synergy.com is not in TLS peer subjects")
	_, err = s.SaveListener(actor(t), federation.Listener{Name: "x", Transport: "tls", Port: 7061, TLSContext: "none"})
	invalid(t, err, "tls_context", "There is no TLS context none")
	_, err = s.SaveFederatedDomain(actor(t), federation.FederatedDomain{Name: "synergy.com"})
	invalid(t, err, "name", "is a domain of this side")
	settings := must(s.Settings(t.Context()))
	settings.DefaultDomain = "nowhere.com"
	invalid(t, s.SaveSettings(actor(t), settings), "default_domain", "nowhere.com is not among the domains")
}

func TestAProblemOfAnotherRowIsARefusalThatNamesIt(t *testing.T) {
	s := filled(t)
	_, err := s.SaveListener(actor(t), federation.Listener{Name: "clash", Transport: "tcp", Port: 5080, Enabled: true})
	refused(t, err, "node imp1.synergy.com: ", `The listener "clash" opens port 5080`)
	_, err = s.SaveNode(actor(t), federation.Node{Name: "imp3.synergy.com", Address: "127.0.0.21"})
	refused(t, err, "static route .com.synergy 127.0.0.21:5061/tls: ", "belongs to the node imp3.synergy.com")
}

func TestAWrongFieldIsRefusedBeforeTheDatabaseIsAsked(t *testing.T) {
	s := open(t)
	s.Close()
	_, err := s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "*.foo.com"})
	invalid(t, err, "pattern", "foo.com admits every host under it")
}

func TestWhatOthersNeedIsNotDeleted(t *testing.T) {
	s := filled(t)
	id := func(field, name string) []int64 { return []int64{first(t, s.ListDomains, field, name).ID} }
	must(s.SaveUser(actor(t), federation.User{UserID: "cid", IMAddress: "cid@other.com", Licensed: true, Node: "imp2.synergy.com"}))
	must(s.SaveUser(actor(t), federation.User{UserID: "dan", Node: "imp2.synergy.com"}))
	backup := first(t, s.ListNodes, "name", "imp1.synergy.com")
	backup.Backup = "imp2.synergy.com"
	must(s.SaveNode(actor(t), backup))

	refused(t, s.DeleteDomains(actor(t), id("name", "synergy.com")), "synergy.com is the default domain")
	refused(t, s.DeleteDomains(actor(t), id("name", "other.com")), "1 licensed user", "other.com", "cid")
	refused(t, s.DeleteTLSPeerSubjects(actor(t), []int64{first(t, s.ListTLSPeerSubjects, "name", "fe1.synergy.com").ID}),
		"fe1.synergy.com", "context sip-proxy-peer-auth")
	refused(t, s.DeleteTLSContexts(actor(t), []int64{first(t, s.ListTLSContexts, "name", federation.ServerAuthContext).ID}),
		`listener "Default SIP Proxy TLS Listener - Server Auth"`)
	refused(t, s.DeleteTLSContexts(actor(t), []int64{first(t, s.ListTLSContexts, "name", federation.PeerAuthContext).ID}), "cannot be deleted")
	imp2 := []int64{first(t, s.ListNodes, "name", "imp2.synergy.com").ID}
	refused(t, s.DeleteNodes(actor(t), imp2), "imp2.synergy.com is the backup of imp1.synergy.com")
	backup.Backup = ""
	must(s.SaveNode(actor(t), backup))
	refused(t, s.DeleteNodes(actor(t), imp2), "home node of 2 users", "cid")
}

func TestARunningNodeIsNeitherDeletedNorRenamed(t *testing.T) {
	s := filled(t)
	n := must(s.SaveNode(actor(t), federation.Node{Name: "imp9.synergy.com", Address: "127.0.0.19"}))
	ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: n.Name}))
	refused(t, s.DeleteNodes(actor(t), []int64{n.ID}), "imp9.synergy.com reported within the last minute")
	n.Name = "imp8.synergy.com"
	_, err := s.SaveNode(actor(t), n)
	invalid(t, err, "name", "imp9.synergy.com is running under this name")
	_, err = s.Apply(actor(t), "without it", func(c federation.Configuration) (federation.Configuration, error) {
		c.Nodes = c.Nodes[:2]
		return c, nil
	}, ApplyOptions{Confirmed: true})
	refused(t, err, "imp9.synergy.com reported within the last minute")

	ok(t, raw(t, s, `UPDATE node_statuses SET reported_at = now() - interval '61 seconds'`))
	must(s.SaveNode(actor(t), n))
	ok(t, s.DeleteNodes(actor(t), []int64{n.ID}))
}

func TestReferencesFollowANewName(t *testing.T) {
	s := filled(t)
	subject := first(t, s.ListTLSPeerSubjects, "name", "fe1.synergy.com")
	subject.Name = "zz.synergy.com"
	must(s.SaveTLSPeerSubject(actor(t), subject))
	context := first(t, s.ListTLSContexts, "name", federation.ServerAuthContext)
	context.Name = "lab"
	must(s.SaveTLSContext(actor(t), context))
	node := first(t, s.ListNodes, "name", "imp1.synergy.com")
	node.Name = "renamed.synergy.com"
	must(s.SaveNode(actor(t), node))

	snapshot := must(s.Snapshot(t.Context()))
	if got := snapshot.TLSContext(federation.PeerAuthContext).PeerSubjects; !slices.Equal(got, []string{"pool.synergy.com", "zz.synergy.com"}) {
		t.Errorf("subjects %v", got)
	}
	if l := first(t, s.ListListeners, "port", "5062"); l.TLSContext != "lab" {
		t.Errorf("listener %+v", l)
	}
	if u := first(t, s.ListUsers, "id", "ann"); u.Node != "renamed.synergy.com" || snapshot.Usage.ByNode["renamed.synergy.com"] != 1 {
		t.Errorf("user %+v, usage %v", u, snapshot.Usage)
	}
	peer := first(t, s.ListTLSContexts, "name", federation.PeerAuthContext)
	peer.Name = "other"
	_, err := s.SaveTLSContext(actor(t), peer)
	invalid(t, err, "name", "keeps its name")
}

func TestASubjectIsAddedAndSelectedInOneChange(t *testing.T) {
	s := filled(t)
	before := must(s.Snapshot(t.Context()))
	context := before.TLSContexts[0]
	saved, err := s.AddTLSPeerSubject(actor(t), federation.TLSPeerSubject{Name: "CN=New.synergy.com"}, []federation.TLSContext{context})
	ok(t, err)
	after := must(s.Snapshot(t.Context()))
	if saved.ID == 0 || after.Revision != before.Revision+1 || !after.HasPeerSubject("new.synergy.com") ||
		!slices.Contains(after.TLSContext(context.Name).PeerSubjects, "new.synergy.com") {
		t.Errorf("saved %+v at revision %d, selected are %v", saved, after.Revision, after.TLSContext(context.Name).PeerSubjects)
	}
	if row := must(s.Audit(t.Context(), listing.Query{})).Items[0]; row.ChangeCount != 2 || row.Action == "" {
		t.Errorf("the audit log has %+v", row)
	}

	var problems federation.Invalid
	if _, err := s.AddTLSPeerSubject(actor(t), federation.TLSPeerSubject{Name: "late.synergy.com"}, []federation.TLSContext{context}); !errors.As(err, &problems) || problems[0].Path != "contexts" {
		t.Errorf("a context that was changed since is answered %v", err)
	}
	if _, err := s.AddTLSPeerSubject(actor(t), federation.TLSPeerSubject{Name: "new.synergy.com"}, []federation.TLSContext{*after.TLSContext(context.Name)}); !errors.As(err, &problems) || problems[0].Path != "name" {
		t.Errorf("a name that is there is answered %v", err)
	}
	if last := must(s.Snapshot(t.Context())); last.Revision != after.Revision || last.HasPeerSubject("late.synergy.com") {
		t.Errorf("a refused change made revision %d", last.Revision)
	}
}

func TestADomainWithUsersIsNotRenamedAway(t *testing.T) {
	s := filled(t)
	must(s.SaveUser(actor(t), federation.User{UserID: "cid", IMAddress: "cid@other.com", Licensed: true, Node: "imp2.synergy.com"}))
	d := first(t, s.ListDomains, "name", "other.com")
	d.Name = "renamed.com"
	_, err := s.SaveDomain(actor(t), d)
	refused(t, err, "Users have addresses in other.com (1)")
}

func TestAServerGetsItsTwoACLEntriesInOneChange(t *testing.T) {
	s := open(t)
	ok(t, s.SaveACLServer(actor(t), "Fe1.synergy.com", "::ffff:10.0.0.1", "front end"))
	if got := patterns(must(s.ListACLEntries(t.Context(), listing.Query{}))); !slices.Equal(got, []string{"10.0.0.1", "fe1.synergy.com"}) {
		t.Errorf("%v", got)
	}
	if n := count(t, s, `SELECT number FROM revision`); n != 2 {
		t.Errorf("revision %d, want one more than the defaults' 1", n)
	}
	ok(t, s.SaveACLServer(actor(t), "fe1.synergy.com", "10.0.0.2", "the same with a new address"))
	var problems federation.Invalid
	if err := s.SaveACLServer(actor(t), "fe1.synergy.com", "10.0.0.2", ""); !errors.As(err, &problems) || len(problems.Of("fqdn")) != 1 || len(problems.Of("address")) != 1 {
		t.Errorf("both are there: %v", err)
	}
	if err := s.SaveACLServer(actor(t), "fe1", "10.0.0.300", ""); !errors.As(err, &problems) || len(problems.Of("fqdn")) != 1 || len(problems.Of("address")) != 1 {
		t.Errorf("both are wrong: %v", err)
	}
	invalid(t, s.SaveACLServer(actor(t), "fe3.synergy.com", "10.0.0.3", "two\nlines"), "description", "Line breaks")
}

func TestOneWrongIdDeletesNothing(t *testing.T) {
	s := filled(t)
	e := first(t, s.ListACLEntries, "pattern", "127.0.0.21")
	err := unchanged(t, s, func() error { return s.DeleteACLEntries(actor(t), []int64{e.ID, 4711}) })
	if !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	ok(t, s.DeleteACLEntries(actor(t), nil))
}

func TestANodeMakesItsRowOnceAndTheRowWins(t *testing.T) {
	s := open(t)
	own := federation.Node{Name: "Imp1.synergy.com", Address: "127.0.0.11", Services: []string{"sip_proxy"}}
	n, added, err := s.RegisterNode(t.Context(), own)
	if err != nil || !added || n.ID == 0 || n.Connector != "127.0.0.11:5080" {
		t.Fatalf("%+v %v %v", n, added, err)
	}
	n.Address = "127.0.0.99"
	must(s.SaveNode(actor(t), n))
	if n, added, err = s.RegisterNode(t.Context(), own); err != nil || added || n.Address != "127.0.0.99" {
		t.Errorf("%+v %v %v", n, added, err)
	}
	_, _, err = s.RegisterNode(t.Context(), federation.Node{Name: "imp2.synergy.com", Address: "127.0.0.99"})
	invalid(t, err, "address", "imp1.synergy.com has this address already")
	if row := must(s.Audit(t.Context(), listing.Query{Field: "action", Op: listing.Contains, Text: "added node"})).Items[0]; row.Actor != "node imp1.synergy.com" {
		t.Errorf("%+v", row)
	}
}

func TestNodesThatStartAtOnceRegisterOnce(t *testing.T) {
	s := open(t)
	results := make(chan error, 4)
	for range cap(results) {
		go func() {
			_, _, err := s.RegisterNode(context.Background(), federation.Node{Name: "imp1.synergy.com", Address: "127.0.0.11"})
			results <- err
		}()
	}
	for range cap(results) {
		ok(t, <-results)
	}
}

func TestANodesReportIsNoChangeOfTheConfiguration(t *testing.T) {
	s := filled(t)
	report := federation.NodeStatus{Node: "imp1.synergy.com", AppliedRevision: 2, Error: "port 5061 is taken", Version: "1", StartedAt: time.Unix(1e9, 0).UTC(),
		Listeners: []federation.ListenerStatus{{Name: "x", Error: "taken"}}, Hops: []federation.HopStatus{{Host: "127.0.0.21", State: "down"}}}
	ok(t, unchanged(t, s, func() error { return s.ReportStatus(t.Context(), report) }))
	ok(t, s.ReportStatus(t.Context(), report))
	statuses := must(s.NodeStatuses(t.Context()))
	if len(statuses) != 1 || statuses[0].Hops[0].State != "down" || statuses[0].Listeners[0].Error != "taken" ||
		!statuses[0].StartedAt.Equal(report.StartedAt) || time.Since(statuses[0].ReportedAt) > time.Minute {
		t.Errorf("%+v", statuses)
	}
	if err := s.ReportStatus(t.Context(), federation.NodeStatus{Node: "none.synergy.com"}); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("a node without a row: %v", err)
	}
}
