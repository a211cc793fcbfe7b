package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/templates"
)

// handIn takes what verify.ps1 wrote, as a file or as pasted text, and keeps it in the place of the result before.
func (s *Server) handIn(w http.ResponseWriter, r *http.Request) error {
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	if seen.blind() {
		return errNoPage
	}
	v, err := verificationFrom(r, seen, s.Now())
	var invalid federation.Invalid
	if errors.As(err, &invalid) {
		return s.deploymentPage(w, r, http.StatusUnprocessableEntity, seen,
			templates.Form{Values: url.Values{"text": {r.PostForm.Get("text")}}, Invalid: invalid})
	}
	if err == nil {
		err = s.store.KeepVerification(r.Context(), seen.ID, v)
	}
	seen.verification = &v
	return s.done(w, r, err, deploymentPath(seen.Deployment), seen.handedIn())
}

// verificationFrom reads what was sent. A file goes before a text: whoever was refused with a text and chooses a file
// then means the file. What is wrong with it is an Invalid of the field that it came in.
func verificationFrom(r *http.Request, seen sight, now time.Time) (v federation.Verification, err error) {
	field, data := "text", []byte(r.PostForm.Get("text"))
	file, _, err := r.FormFile("file")
	switch {
	case err == nil:
		defer file.Close()
		if read, err := io.ReadAll(file); err != nil {
			return v, err
		} else if len(read) > 0 {
			field, data = "file", read
		}
	case !errors.Is(err, http.ErrMissingFile) && !errors.Is(err, http.ErrNotMultipart):
		return v, err
	}
	if len(data) == 0 {
		return v, federation.Invalid{{Path: "file", Text: "Choose the file that verify.ps1 wrote, or paste its text."}}
	}
	v, err = powershell.ReadVerification(data, seen.Deployment, seen.snapshot, now)
	if err == nil {
		err = seen.outdated(v, now)
	}
	return v, asInvalid(err, field)
}

// outdated refuses a result that would take the place of a newer one.
func (seen sight) outdated(v federation.Verification, now time.Time) error {
	kept := seen.verification
	if kept == nil || !v.CheckedAt.Before(kept.CheckedAt) {
		return nil
	}
	return federation.Refuse("A newer result is here, seen %s on %s. Run verify.ps1 again, and hand in what it finds then.", templates.Clock(kept.CheckedAt, now), kept.Computer)
}

// handedIn says what a result that was just taken tells.
func (seen sight) handedIn() string {
	there := 0
	for _, r := range seen.verification.Results {
		if r.State == federation.VerifyExists {
			there++
		}
	}
	text := "Handed in. " + asTheyShouldBe(there, len(seen.verification.Results))
	if seen.stale() {
		text += " The scripts that looked are older than the configuration; download them again and run them."
	}
	return text
}

// asTheyShouldBe is the sentence about so many of all objects.
func asTheyShouldBe(there, all int) string {
	switch {
	case all == 1 && there == 1:
		return "The one object is as it should be."
	case all == 1:
		return "The one object is not as it should be."
	case there == 1:
		return fmt.Sprintf("1 of %d objects is as it should be.", all)
	}
	return fmt.Sprintf("%d of %d objects are as they should be.", there, all)
}
