package document

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/internal/federation"
)

const small = `version: 1
settings: {partitioned_federation: true, default_domain: synergy.com}
domains: [{name: Synergy.com}]
nodes:
  - {name: imp1.synergy.com, address: 127.0.0.11}
static_routes:
  - {destination: .com.synergy, type: domain, next_hop: 127.0.0.21, port: 5061, transport: tls}
tls_contexts:
  - {name: sip-proxy-peer-auth, verify_client: true, min_version: 1.0}
  - {name: sip-proxy-server-auth}
acl: [{pattern: 127.0.0.21, description: fe1}]
tls_peer_subjects: [{name: pool.synergy.com}]
listeners: [{name: Lab, transport: tls, port: 5061, tls_context: sip-proxy-peer-auth}]
federated_domains: [{name: remote.com}]
users:
  - {id: 007, licensed: true, node: imp1.synergy.com}
`

func TestADocumentFillsDefaultsAndKeepsAbsentSections(t *testing.T) {
	c, err := Check([]byte(small), federation.DefaultConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	if c.Domains[0].Name != "synergy.com" || c.Nodes[0].Connector != "127.0.0.11:5080" || len(c.Nodes[0].Services) != 2 {
		t.Errorf("defaults are not filled: %+v %+v", c.Domains, c.Nodes)
	}
	if r := c.StaticRoutes[0]; !r.InService || !r.AllowLessSpecific || r.Priority != 1 {
		t.Errorf("a route lacks its defaults: %+v", r)
	}
	if c.TLSContexts[0].MinVersion != "1.0" || c.TLSContexts[1].MinVersion != "1.2" || c.Users[0].UserID != "007" {
		t.Errorf("scalars are not kept as written: %+v %+v", c.TLSContexts, c.Users)
	}
	if len(c.ACL) != 1 || len(c.TLSPeerSubjects) != 1 || len(c.Listeners) != 1 || !c.Listeners[0].Enabled || len(c.FederatedDomains) != 1 || !c.FederatedDomains[0].Direct {
		t.Errorf("a section is not made exactly so: %+v", c)
	}
	if c.Settings.MaxContacts != 200 {
		t.Error("a setting's default is missing")
	}
	if kept, err := Check([]byte("version: 1\n"), c); err != nil || len(federation.Diff(&c, &kept)) > 0 {
		t.Errorf("an absent section changed: %v", err)
	}
}

func TestAnExportAppliedChangesNothing(t *testing.T) {
	c, err := Check([]byte(small), federation.DefaultConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	c.Settings.MaxWatchers = federation.Unlimited
	out, err := Export(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Check(out, federation.DefaultConfiguration())
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if d := federation.Diff(&c, &again); len(d) > 0 {
		t.Errorf("the export is not the configuration: %v\n%s", d, out)
	}
	second, _ := Export(again)
	if diff := cmp.Diff(string(out), string(second)); diff != "" {
		t.Errorf("two exports of one configuration differ: %s", diff)
	}
	slices.Reverse(again.TLSContexts)
	if turned, _ := Export(again); string(turned) != string(out) {
		t.Errorf("the order of rows is the order of the export:\n%s", turned)
	}
	for _, line := range []string{"version: 1\n", "max_contacts: 200\n", "max_watchers: unlimited\n", `min_version: "1.0"`, "name: remote.com"} {
		if !strings.Contains(string(out), line) {
			t.Errorf("the export lacks %q:\n%s", line, out)
		}
	}
}

func TestAllErrorsAreReportedAtOnceWithTheirPaths(t *testing.T) {
	bad := `version: 1
colour: blue
settings: {routing_mode: quick, max_contacts: many}
static_routes:
  - {destination: .com.synergy, type: domain, next_hop: 127.0.0.21}
  - {destination: synergy, type: domain, next_hop: a b, port: x, weigth: 2}
domains: {name: synergy.com}
users: [ann]
`
	_, err := Check([]byte(bad), federation.DefaultConfiguration())
	for _, want := range []string{"colour: There is no key colour here", "settings.routing_mode: Choose one of", "settings.max_contacts: Enter a number",
		"static_routes[1].destination: Enter a domain such as", "static_routes[1].next_hop: Enter an IP address", "static_routes[1].port: Write a whole number",
		"static_routes[1].weigth: There is no key weigth", "domains: A list belongs here", "users[0]: Keys with values"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

func TestADocumentMakesASectionExactlySo(t *testing.T) {
	current, err := Check([]byte(small), federation.DefaultConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	next, err := Check([]byte("version: 1\nacl: []\nfederated_domains:\nusers: []\n"), current)
	if err != nil {
		t.Fatal(err)
	}
	var gone []string
	for _, d := range federation.Diff(&current, &next) {
		gone = append(gone, d.How+" "+d.Kind+" "+d.Key)
	}
	if diff := cmp.Diff([]string{"removed acl 127.0.0.21", "removed federated_domain remote.com", "removed user 007"}, gone); diff != "" {
		t.Error(diff)
	}
}

func TestAByteOrderMarkIsNoKey(t *testing.T) {
	doc, problems := Parse([]byte("\ufeffversion: 1\r\ndomains:\r\n  - name: synergy.com\r\n"))
	if len(problems) != 0 || doc.Domains == nil || len(*doc.Domains) != 1 {
		t.Errorf("got %v, %v", doc.Domains, problems)
	}
}

func TestWhatIsNoDocumentIsNamed(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "holds no document",
		"version: 2":            "version: This Isthmus reads version 1",
		"domains: []":           "version: This Isthmus reads version 1",
		"a: [":                  "This is not YAML",
		"version: 1\n---\na: 1": "more than one",
		"[]":                    "Keys with values belong here",
	} {
		if _, problems := Parse([]byte(in)); len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%q: got %v, want %q", in, problems, want)
		}
	}
}
