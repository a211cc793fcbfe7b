package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"

	"isthmus/internal/federation"
)

// keyFields are where a private key may be posted: the forms that read certificates know how to refuse one.
var keyFields = map[string][]string{
	certificatesPath:              {"file", "text", "key"},
	subjectsPath + "/certificate": {"file", "text", "key"},
}

// misplacedKey refuses a private key in any other field and anywhere in an address, before a page shows it, a draft keeps it or the
// log has it. Files are their handlers' matter: what is no file of theirs comes back in no page.
func misplacedKey(r *http.Request) error {
	if err := keyAmong(r.URL.Query(), nil); err != nil {
		return err
	}
	return keyAmong(r.PostForm, keyFields[r.URL.Path])
}

func keyAmong(fields url.Values, exempt []string) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(exempt, name) {
			continue
		}
		for _, value := range slices.Concat([]string{name}, fields[name]) {
			if err := federation.CheckNoKey(value); err != nil {
				return federation.Invalid{{Path: name, Text: err.Error()}}
			}
		}
	}
	return nil
}
