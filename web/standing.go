package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// standing is the warning that every page carries while the configuration gives cause for it. It is worked out once a
// revision. Its zero value is ready.
type standing struct {
	mu       sync.Mutex
	revision int64
	notice   *templates.Notice // of that revision; nil: nothing is to be warned of
}

// at is the warning of a revision. When the configuration cannot be read there is none; the page says so by itself.
func (st *standing) at(ctx context.Context, revision int64, read func(context.Context) (federation.Snapshot, error)) *templates.Notice {
	if notice, known := st.of(revision); known {
		return notice
	}
	snapshot, err := read(ctx) // without the lock, so that no page waits for another's database
	if err != nil {
		return nil
	}
	notice := warning(snapshot.LegacyContexts(), snapshot.WeakContexts())
	st.mu.Lock()
	defer st.mu.Unlock()
	if snapshot.Revision >= st.revision {
		st.revision, st.notice = snapshot.Revision, notice
	}
	return notice
}

func (st *standing) of(revision int64) (notice *templates.Notice, known bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.notice, st.revision == revision
}

// warning is of the contexts in use that let broken versions in, and of those that have weak ciphers alone.
func warning(legacy, weak []federation.TLSContext) *templates.Notice {
	n := legacyWarning(legacy)
	if n == nil {
		n = weakWarning(weak)
	} else if len(weak) > 0 {
		n = oneBanner(weakWarning(weak), n)
	}
	if n != nil {
		n.Href, n.Link = contextsPage(append(slices.Clone(legacy), weak...))
	}
	return n
}

// contextsPage is where contexts are changed: that of the one, or else the list.
func contextsPage(contexts []federation.TLSContext) (href, link string) {
	for _, c := range contexts[1:] {
		if c.ID != contexts[0].ID {
			return "/tls-contexts", "TLS contexts"
		}
	}
	return fmt.Sprintf("/tls-contexts/%d", contexts[0].ID), "Open " + contexts[0].Name
}

// legacyWarning names the contexts that let TLS 1.0 or 1.1 in, and the way out.
func legacyWarning(contexts []federation.TLSContext) *templates.Notice {
	if len(contexts) == 0 {
		return nil
	}
	versions := "TLS 1.1"
	for _, c := range contexts {
		if c.MinVersion == "1.0" {
			versions = "TLS 1.0 and 1.1"
		}
	}
	return &templates.Notice{Mark: templates.Part, Strong: versions + " may be used with " + named(contexts) + ".",
		Text: "A connection there can be forced down to a broken version. Choose TLS 1.2 as the lowest version as soon as the last server without it is gone."}
}

// weakWarning names the contexts whose selected ciphers are all weak, and whom they refuse.
func weakWarning(contexts []federation.TLSContext) *templates.Notice {
	if len(contexts) == 0 {
		return nil
	}
	n := &templates.Notice{Mark: templates.Part, Strong: "Weak ciphers alone are selected in " + named(contexts) + "."}
	for _, c := range contexts {
		n.Text += c.WeakSentence() + " "
	}
	n.Text += federation.StrongerCiphers
	return n
}

func named(contexts []federation.TLSContext) string {
	var names []string
	for _, c := range contexts {
		names = append(names, c.Name)
	}
	return strings.Join(names, " and ")
}

// oneBanner joins what lasts and what was just done, because a page has one banner: it tells of the deed first and looks
// like the warning.
func oneBanner(lasts, done *templates.Notice) *templates.Notice {
	if lasts == nil {
		return done
	}
	both := *lasts
	both.Strong, both.Text = done.Strong, strings.TrimSpace(done.Text+" "+lasts.Strong+" "+lasts.Text)
	return &both
}
