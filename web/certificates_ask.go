package web

import (
	"net/http"
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// askTrust shows the CAs of an upload with their whole fingerprints. What they vouch for is accepted from the next moment
// on, so that somebody has to have compared them.
func (s *Server) askTrust(w http.ResponseWriter, r *http.Request, u uploaded, list []certs.Trusted) error {
	q := templates.TrustQuestion{Description: u.Description}
	var file strings.Builder
	for _, t := range list {
		chain, err := certs.Chain(t.Certificate)
		if err != nil {
			return err
		}
		ca := templates.Certificate{Title: t.Certificate.Subject, State: validity(t.Certificate.NotBefore, t.Certificate.NotAfter, s.Now()),
			Facts: describedFacts(certs.Describe(chain[0]), issuerOf(chain[0]))}
		if t.Known {
			ca.State = templates.State{Mark: templates.Up, Word: "Trusted already"}
		}
		if t.Remark != "" {
			q.Findings = append(q.Findings, templates.Finding{Mark: templates.Part, Title: t.Certificate.Subject, Text: t.Remark})
		}
		q.CAs = append(q.CAs, ca)
		file.Write(t.Certificate.Chain)
	}
	q.Text = file.String()
	return s.render(w, r, http.StatusOK, templates.TrustQuestionPage(s.frame(r, q.Title(), certificatesPath), q))
}

// askOver is the form again with the certificate in use beside the one that would take its place. The new one stands in
// the form as a text, its key does not: that is chosen again.
func (s *Server) askOver(w http.ResponseWriter, r *http.Request, i certs.Imported) error {
	compared, err := comparison(i)
	if err != nil {
		return err
	}
	form := templates.Form{Values: typedAgain(r.PostForm), Compared: compared, Invalid: federation.Invalid{{Path: "replace",
		Text: "The certificate in use and its key are gone then. Compare both, and tick that you mean it."}}}
	form.Values.Set("text", string(i.Certificate.Chain))
	if i.Answers == nil {
		form.Invalid = append(form.Invalid, federation.Problem{Path: "key",
			Text: "Choose the file with the key again, and enter its passphrase if it has one: neither is kept while you compare."})
	}
	return s.uploadPage(w, r, http.StatusUnprocessableEntity, form)
}

// comparison is the certificate in use beside the one that would take its place.
func comparison(i certs.Imported) (*templates.Comparison, error) {
	was, err := described(*i.Replaces)
	if err != nil {
		return nil, err
	}
	is, err := described(i.Certificate)
	if err != nil {
		return nil, err
	}
	c := &templates.Comparison{Node: i.Certificate.Node, Replace: i.Replaces.Fingerprint}
	for n := range was {
		c.Rows = append(c.Rows, templates.Compared{Name: was[n].Name, Was: was[n].Value, Is: is[n].Value, Mono: was[n].Mono})
	}
	for _, text := range i.Warnings {
		c.Findings = append(c.Findings, templates.Finding{Mark: templates.Part, Title: "The new certificate is doubtful", Text: text})
	}
	return c, nil
}

// described are the facts of a node's certificate that people compare, always as many.
func described(c federation.Certificate) ([]templates.Pair, error) {
	chain, err := certs.Chain(c)
	if err != nil {
		return nil, err
	}
	return describedFacts(certs.Describe(chain[0]), issuerOf(chain[0])), nil
}
