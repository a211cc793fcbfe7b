package wizard

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"isthmus/internal/federation"
)

// maxAnswers is the size of the largest answers that are read, in bytes: a hundred front ends take less than 10 KiB.
const maxAnswers = 256 << 10

// ParseAnswers reads answers from YAML or JSON. It is strict: unknown and repeated keys and values of the wrong kind are
// refused, all of them at once, as a federation.Invalid with paths such as front_ends[0].address. Whether the values make
// sense is for Check to say.
func ParseAnswers(data []byte) (federation.Answers, error) {
	var a federation.Answers
	body, err := parseBody(data)
	if err != nil {
		return a, federation.Invalid{{Text: err.Error()}}
	}
	var r reader
	r.object("", body, fields{
		"platform":       r.text(&a.Platform),
		"deployment":     r.text(&a.Deployment),
		"edition":        r.text(&a.Edition),
		"pool":           r.text(&a.Pool),
		"load_balancer":  r.text(&a.LoadBalancer),
		"registrar":      r.text(&a.Registrar),
		"site":           r.text(&a.Site),
		"front_ends":     r.hosts(&a.FrontEnds),
		"domains":        r.texts(&a.Domains),
		"routing_node":   r.text(&a.RoutingNode),
		"trusted_pool":   r.text(&a.TrustedPool),
		"application_id": r.text(&a.ApplicationID),
		"child_domains":  r.flag(&a.ChildDomains),
		"transport":      r.text(&a.Transport),
		"expressway":     r.expressway(&a.Expressway),

		"front_name":        r.text(&a.FrontName),
		"first_priority":    r.number(&a.FirstPriority, 1),
		"microsoft_domains": r.texts(&a.MicrosoftDomains),
	})
	return a, r.problems.Err()
}

// parseBody returns the one document's node.
func parseBody(data []byte) (ast.Node, error) {
	if len(data) > maxAnswers {
		return nil, federation.Refuse("These answers are larger than 256 KiB; check that this is the right file.")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, federation.Refuse("This is not YAML: %s. Correct that place and try again.", syntax(err))
	}
	if len(file.Docs) > 1 {
		return nil, federation.Refuse("The file holds several YAML documents; put the answers of one deployment into a file.")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, federation.Refuse("The file holds no answers; begin with a line such as platform: skype_for_business_2019.")
	}
	return file.Docs[0].Body, nil
}

// syntax is the parser's complaint in one line, such as "line 3: mapping value is not allowed".
func syntax(err error) string {
	text := yaml.FormatError(err, false, false)
	text, _, _ = strings.Cut(text, "\n")
	if place, rest, ok := strings.Cut(text, "] "); ok {
		line, _, _ := strings.Cut(strings.TrimPrefix(place, "["), ":")
		return "line " + line + ": " + rest
	}
	return text
}
