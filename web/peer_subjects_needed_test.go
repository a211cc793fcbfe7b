package web_test

import (
	"net/http"
	"testing"

	"isthmus/internal/federation"
)

func TestASubjectThatADeploymentNeedsAndNobodyListedIsOffered(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.get("/tls-peer-subjects").page().Count(t, ".findings", 0)
	needed := c.snapshot().Deployments[0].Answers.Subjects()
	gone := needed[0]
	_, err := c.store.Apply(t.Context(), "take one out", func(all federation.Configuration) (federation.Configuration, error) {
		all.TLSPeerSubjects = nil
		for i := range all.TLSContexts {
			all.TLSContexts[i].PeerSubjects = nil
		}
		for _, name := range needed[1:] {
			all.TLSPeerSubjects = append(all.TLSPeerSubjects, federation.TLSPeerSubject{Name: name})
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page := c.get("/tls-peer-subjects").page()
	page.Says(t, ".findings li", gone+" is not listed")
	form := c.get(page.All(".findings li a")[0].Attr("href")).status(http.StatusOK).page()
	if name := form.One(t, "#field-name").Attr("value"); name != gone {
		t.Errorf("the form has %q filled in", name)
	}
}
