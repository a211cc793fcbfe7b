package federation

import (
	"reflect"
	"strings"
	"testing"
)

// shelf is one of every kind of field that a document has.
type shelf struct {
	ID     int64     `yaml:"-"`
	Hidden string    // in no document
	Text   string    `yaml:"text"`
	Number int       `yaml:"number"`
	On     bool      `yaml:"on"`
	Max    Limit     `yaml:"max"`
	Names  []string  `yaml:"names"`
	Hosts  []Host    `yaml:"hosts"`
	Near   *Host     `yaml:"near,omitempty"`
	Route  *shelfed  `yaml:"route,omitempty"`
	Routes []shelfed `yaml:"routes"`
}

type shelfed StaticRoute

func (r *shelfed) Default() { r.Port, r.InService = 5060, true }

func TestADocumentIsReadAsItIsWritten(t *testing.T) {
	for in, want := range map[string]shelf{
		"text: a":                               {Text: "a"},
		"{text: a, number: 7}":                  {Text: "a", Number: 7},
		"text: 1.0\nnumber: 5061":               {Text: "1.0", Number: 5061},
		"text: 007":                             {Text: "007"},
		"text: true\non: true":                  {Text: "true", On: true},
		"text: >\n  one\n  line\n":              {Text: "one line\n"},
		"text:\nmax: unlimited":                 {Max: Unlimited},
		"max: 12":                               {Max: 12},
		"names: [a, 1]":                         {Names: []string{"a", "1"}},
		"names:":                                {Names: []string{}},
		"hosts: [{fqdn: a.b.com, port: 5}]":     {Hosts: []Host{{FQDN: "a.b.com", Port: 5}}},
		"near: {address: 10.0.0.1}":             {Near: &Host{Address: "10.0.0.1"}},
		"route: {destination: .com.a}":          {Route: &shelfed{Destination: ".com.a", Port: 5060, InService: true}},
		"routes: [{}, {port: 7}]":               {Routes: []shelfed{{Port: 5060, InService: true}, {Port: 7, InService: true}}},
		"route: {in_service: false, port: 1}":   {Route: &shelfed{Port: 1}},
		"\"text\": \"yes: no\"\n# a comment\n":  {Text: "yes: no"},
		`{"text": "JSON is YAML", "on": false}`: {Text: "JSON is YAML"},
	} {
		var got shelf
		if problems := Decode([]byte(in), &got); len(problems) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v %v, want %+v", in, got, problems, want)
		}
	}
}

func TestWhatDoesNotFitIsToldOnceAtItsPlaceAndChangesNothing(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "The file holds no document",
		"# only a comment":                  "The file holds no document",
		"on: yes":                           "on: Write true or false.",
		"on:":                               "on: Write true or false.",
		"number: 5e3":                       "number: Write a whole number, such as 5061.",
		"number:":                           "number: Write a whole number, such as 5061.",
		"text: {a: b}":                      "text: A single value belongs here.",
		"number: [1]":                       "number: A single value belongs here.",
		"max: [1]":                          "max: A single value belongs here.",
		"max: 0":                            "max: Enter a number from 1 to 1000000, or unlimited.",
		"names: a":                          "names: A list belongs here",
		"names: [[a]]":                      "names[0]: A single value belongs here.",
		"near: a":                           "near: Keys with values belong here",
		"near: {port: x}":                   "near.port: Write a whole number",
		"hosts: [{}, {port: x}]":            "hosts[1].port: Write a whole number",
		"hosts: [{colour: blue}]":           "hosts[0].colour: There is no key colour here; write one of fqdn, address, port.",
		"id: 7":                             "id: There is no key id here; write one of text, number, on, max, names, hosts, near, route, routes.",
		`"-": 7`:                            "-: There is no key - here",
		`"": 7`:                             "There is no key",
		"near: {port: 5, fqdn: a, port: 6}": "This is not YAML: [1:26] mapping key \"port\" already defined",
	} {
		var got shelf
		problems := Decode([]byte(in), &got)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
			t.Errorf("%q: got %q, want %q", in, problems, want)
		}
		if got.Text != "" || got.Number != 0 || got.On || got.ID != 0 || got.Hidden != "" || got.Max != 0 {
			t.Errorf("%q: what does not fit was taken: %+v", in, got)
		}
	}
}

func TestAFaultOfTheFileIsOneLineThatNamesItsPlace(t *testing.T) {
	problems := Decode([]byte("text: a\nnames: [\n"), &shelf{})
	if len(problems) != 1 || strings.Contains(problems[0].Text, "\n") || !strings.Contains(problems[0].Text, "[2:") {
		t.Errorf("got %q", problems)
	}
}
