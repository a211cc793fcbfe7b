package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
	"isthmus/web"
)

// nodesOf adds nodes that run both services and homes nobody.
func (c *console) nodesOf(names ...string) {
	c.t.Helper()
	for i, name := range names {
		c.post("/nodes", "name", name, "address", fmt.Sprintf("127.0.0.%d", 11+i), "services", "sip_proxy", "services", "sip_federation").to("/nodes")
	}
}

// obeys is a node that reports what it was ordered, with so much under way.
func (c *console) obeys(node string, connections, transactions int) {
	c.t.Helper()
	if err := c.obey(c.t.Context(), node, connections, transactions); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) obey(ctx context.Context, node string, connections, transactions int) error {
	status, err := c.obedient(ctx, node)
	if err != nil {
		return err
	}
	status.Connections, status.Transactions = connections, transactions
	return c.store.ReportStatus(ctx, status)
}

// obedient is what a node reports that has done what it was ordered.
func (c *console) obedient(ctx context.Context, node string) (federation.NodeStatus, error) {
	s, err := c.store.Snapshot(ctx)
	done := map[string]int64{}
	for _, service := range federation.Services {
		done[service] = s.Restarts(node, service)
	}
	return federation.NodeStatus{Node: node, AppliedEra: s.Era, AppliedRevision: s.Revision, State: "ready", Database: "ok", Version: "test", StartedAt: time.Now(), Restarted: done}, err
}

func TestAProfileTellsWhatItStops(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	one := c.snapshot().Node("imp1.here.com").ID
	c.post(fmt.Sprintf("/nodes/%d", one), "name", "imp1.here.com", "address", "127.0.0.11", "routing", "true").to("/nodes")
	ask := c.post("/services/profile", "profile", "routing", "ask", "true").status(200).page()
	ask.Says(t, "main li", "imp1.here.com: Cisco XCP SIP Federation Connection Manager:")
	ask.Count(t, "main li", 2)
	if !c.snapshot().Node("imp1.here.com").Runs("sip_federation") {
		t.Fatal("it was switched off before anybody answered")
	}
	c.postForm("/services/profile", ask.One(t, "main form").Form()).to("/services")
	if c.snapshot().Node("imp1.here.com").Runs("sip_federation") {
		t.Error("it still runs")
	}
	c.post("/services/profile", "profile", "home", "ask", "true").to("/services") // stops nothing
}

// What Isthmus does not run is told of, and no control stands there that would do nothing.
func TestServicesOfTheGuideThatDoNotRunHereHaveNoControl(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	page := c.get("/services").page()
	for _, name := range []string{"Cisco XCP Router", "Cisco Presence Engine", "Cisco XCP Text Conference Manager", "Cisco XCP Web Connection Manager",
		"Cisco XCP XMPP Federation Connection Manager", "Cisco XCP Message Archiver", "Cisco XCP Directory Service", "Cisco XCP Authentication Service", "Cisco Bulk Provisioning Service"} {
		page.Says(t, "[aria-labelledby=foreign]", name)
	}
	page.Count(t, "[aria-labelledby=foreign] button", 0)
	page.Count(t, "[aria-labelledby=foreign] input", 0)
	page.Count(t, "table.control tbody tr", 2) // one node, two services, and no row for all nodes
}

func TestAnOrderIsNoPartOfTheConfigurationDocument(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	before := c.snapshot().Configuration
	c.post("/services/control", "service", "sip_proxy", "order", "stop").to("/services")
	after := c.snapshot().Configuration
	if !slices.EqualFunc(before.Nodes, after.Nodes, func(a, b federation.Node) bool { return slices.Equal(a.Services, b.Services) }) {
		t.Error("an order changed what is activated")
	}
}

// rebuild makes the console's server anew, by its present configuration.
func (c *console) rebuild() {
	c.handler = web.New(c.config)
}

func TestAStaleServiceActivationUndoesNobodysChange(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	path := fmt.Sprintf("/services/%d", c.snapshot().Node("imp1.here.com").ID)
	runs := func() []string { return c.snapshot().Node("imp1.here.com").Services }
	opened := c.get("/services").page().One(t, "form[action='"+path+"']").Form()
	if opened.Get("was") != "sip_federation sip_proxy" {
		t.Fatalf("the form was drawn with %q", opened.Get("was"))
	}
	mine := url.Values{"ask": {"true"}, "was": opened["was"], "services": {"", "sip_federation"}}
	ask := c.postForm(path, mine).status(200).page().One(t, "main form").Form()
	c.post(path, "services", "sip_proxy").to("/services") // somebody else, or a script, which has no was

	for _, stale := range []url.Values{mine, ask} { // the page, and the question that was answered too late
		page := c.postForm(path, stale).status(http.StatusConflict).page()
		page.Says(t, ".banner", "The services of imp1.here.com were changed after you opened the page: Cisco XCP SIP Federation Connection Manager was switched off.")
		if got := page.One(t, "form[action='"+path+"'] input[name=was]").Attr("value"); got != "sip_proxy" {
			t.Errorf("the page that came back was drawn with %q", got)
		}
		if got := runs(); !slices.Equal(got, []string{"sip_proxy"}) {
			t.Fatalf("activated are %v", got)
		}
	}
	c.postForm(path, url.Values{"was": opened["was"], "services": {"", "sip_proxy"}}).to("/services") // asks for what is so
	c.postForm(path, url.Values{"was": {"sip_proxy"}, "services": {"", "sip_federation"}}).to("/services")
	c.postForm(path, url.Values{"was": {"sip_federation"}, "services": {""}}).to("/services")
	c.postForm(path, url.Values{"was": {"sip_federation"}, "services": {"", "sip_proxy"}}).status(http.StatusConflict)
	c.postForm(path, url.Values{"was": {""}, "services": {"", "sip_proxy"}}).to("/services")
	if got := runs(); !slices.Equal(got, []string{"sip_proxy"}) {
		t.Errorf("in the end %v are activated", got)
	}
}

func TestAServiceActivationThatIsOvertakenWhileItWaitsUndoesNobodysChange(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Operator, database)
	path := fmt.Sprintf("/services/%d", o.stored().Nodes[0].ID)
	mine := url.Values{"was": {"sip_federation sip_proxy"}, "services": {"", "sip_federation"}}
	page := o.overtaken(database, path, mine, `UPDATE nodes SET services = '{sip_proxy}'`).status(http.StatusConflict).page()
	page.Says(t, ".banner", "The services of imp1.synergy.com were changed after you opened the page: Cisco XCP SIP Federation Connection Manager was switched off.")
	if got := o.stored().Nodes[0].Services; !slices.Equal(got, []string{"sip_proxy"}) {
		t.Errorf("activated are %v", got)
	}
	none := url.Values{"was": {""}, "services": {"", "sip_proxy"}}
	o.postForm(path, url.Values{"services": {""}}).to("/services")
	o.overtaken(database, path, none, `UPDATE nodes SET services = '{sip_federation}'`).status(http.StatusConflict)
	delete(mine, "was") // a script means what it says
	o.overtaken(database, path, mine, `UPDATE nodes SET services = '{}'`).to("/services")
	if got := o.stored().Nodes[0].Services; !slices.Equal(got, []string{"sip_federation"}) {
		t.Errorf("activated are %v", got)
	}
}

// overtaken posts a form while somebody else saves, who is first with that statement.
func (o *outage) overtaken(database, path string, form url.Values, statement string) answer {
	t, ctx := o.t, o.t.Context()
	t.Helper()
	other := must[*pgx.Conn](t)(pgx.Connect(ctx, database))
	defer other.Close(ctx)
	tx := must[pgx.Tx](t)(other.Begin(ctx))
	must[pgconn.CommandTag](t)(tx.Exec(ctx, `SELECT number FROM revision FOR UPDATE`))
	answers := make(chan answer, 1)
	go func() { answers <- o.postForm(path, form) }()
	for waits := false; !waits; {
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid)`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		select {
		case a := <-answers:
			t.Fatalf("it did not wait for the other change: status %d", a.code)
		default:
		}
	}
	must[pgconn.CommandTag](t)(tx.Exec(ctx, statement))
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	return <-answers
}
