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

// misplacedKey refuses a private key in any other field and in any address, before a page shows it, a draft keeps it or the
// log has it. Files are their handlers' matter: what is no file of theirs comes back in no page.
func misplacedKey(r *http.Request) error {
	for _, values := range []url.Values{r.URL.Query(), r.PostForm} {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if slices.Contains(keyFields[r.URL.Path], name) {
				continue
			}
			for _, value := range slices.Concat([]string{name}, values[name]) {
				if err := federation.CheckNoKey(value); err != nil {
					return federation.Invalid{{Path: name, Text: err.Error()}}
				}
			}
		}
	}
	return nil
}
