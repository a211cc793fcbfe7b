package wizard

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"isthmus/internal/federation"
)

func TestParseReadsYAMLAndJSON(t *testing.T) {
	want := calling()
	want.FirstPriority, want.MicrosoftDomains = 3, []string{"synergy.com", "synergy.co.uk"}
	asYAML, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.MarshalIndent(want, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"YAML": asYAML, "JSON with tabs": asJSON, "YAML with a byte order mark": append([]byte("\ufeff"), asYAML...)} {
		got, err := ParseAnswers(text)
		if err != nil {
			t.Errorf("%s: %s", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is read differently (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseKeepsASiteAsTyped(t *testing.T) {
	for text, want := range map[string]string{
		`site: 1`: "1", `site: "1"`: "1", `site: 007`: "007", `site: Redmond 1`: "Redmond 1", `site: 1.10`: "1.10", `site:`: "", `site: null`: "",
	} {
		a, err := ParseAnswers([]byte(text))
		if err != nil || a.Site != want {
			t.Errorf("%s is read as %q, %v; want %q", text, a.Site, err, want)
		}
	}
}

func TestParseRefusesEverythingAtOnce(t *testing.T) {
	_, err := ParseAnswers([]byte(`
platfrom: lync_2013
pool: [a, b]
site: {id: 1}
front_ends:
  - {fqdn: fe1.synergy.com, adress: 10.1.20.21}
  - fe2.synergy.com
domains: synergy.com
child_domains: "yes"
first_priority: behind
microsoft_domains: synergy.com
expressway: {fqdn: exp.synergy.com, port: "65072"}
registrar: &anchor pool.synergy.com
trusted_pool: *anchor
pool: pool.synergy.com
`))
	want := `platfrom: There is no such field; the fields here are application_id, child_domains, deployment, domains, edition, expressway, first_priority, front_ends, front_name, load_balancer, microsoft_domains, platform, pool, registrar, routing_node, site, transport, trusted_pool.
pool: One plain value belongs here, no list, no fields, no anchor and no tag.
site: One plain value belongs here, no list, no fields, no anchor and no tag.
front_ends[0].adress: There is no such field; the fields here are address, fqdn.
front_ends[1]: Fields with values belong here, one a line, such as address: ...
domains: A list belongs here, each item on a line of its own that begins with a hyphen.
child_domains: Write true or false.
first_priority: Write a whole number, such as 1.
microsoft_domains: A list belongs here, each item on a line of its own that begins with a hyphen.
expressway.port: Write a whole number, such as 65072.
registrar: One plain value belongs here, no list, no fields, no anchor and no tag.
trusted_pool: One plain value belongs here, no list, no fields, no anchor and no tag.
pool: This field is written twice; leave one of them.`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestParseRefusesWhatIsNoDocument(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":        {"", "The file holds no answers"},
		"a comment":      {"# later\n", "The file holds no answers"},
		"a list":         {"- a", "Fields with values belong here"},
		"no YAML":        {"pool: [", "This is not YAML: line 1: "},
		"two documents":  {"pool: a\n---\npool: b", "several YAML documents"},
		"far too much":   {strings.Repeat("#", maxAnswers+1), "larger than 256 KiB"},
		"one plain word": {"pool", "Fields with values belong here"},
	} {
		_, err := ParseAnswers([]byte(c.text))
		var invalid federation.Invalid
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want a problem with %q", name, err, c.want)
		}
	}
}

func FuzzParseAnswers(f *testing.F) {
	f.Add([]byte("platform: lync_2013\nfront_ends: [{fqdn: a.b, address: 10.0.0.1}]"))
	f.Add([]byte("{\"domains\": [1, null, {}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ParseAnswers(data)
		if err != nil {
			return
		}
		// What was read can be checked and written, and reads the same again.
		Check(a, snapshot())
		text, err := yaml.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseAnswers(text); err == nil && !cmp.Equal(Defaults(a, snapshot()), Defaults(again, snapshot())) {
			t.Errorf("%q is read differently when it was written", data)
		}
	})
}
