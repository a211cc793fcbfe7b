package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
)

// maxLooks is how many look-ups of one session run at a time: more than fields that one hand leaves within the time that
// the DNS takes, and few enough that nobody scans a network through the console.
const maxLooks = 4

// A looked is what there is to say about the fields that were asked for, by their names in the form.
type looked struct {
	Fields map[string]lookedField `json:"fields"`
	Found  *lookedFound           `json:"found,omitempty"` // what the DNS says of a server
}

type lookedField struct {
	Fill     string   `json:"fill,omitempty"` // what to fill in, because nothing was typed
	Problems []string `json:"problems"`       // the check's sentences
	Cautions []string `json:"cautions"`
}

type lookedFound struct {
	Row  string `json:"row"` // such as front_ends[1]
	Mark string `json:"mark"`
	Word string `json:"word"`
	Note string `json:"note"`
}

// look says of one field, while the form is being filled in, what Next would say: the same rules, over the draft and the
// fields that came along. It changes nothing.
func (s *Server) look(w http.ResponseWriter, r *http.Request) error {
	session := signedIn(r).session.ID
	if !s.looks.enter(session) {
		http.Error(w, "Too many look-ups are under way; wait for their answers.", http.StatusTooManyRequests)
		return nil
	}
	defer s.looks.leave(session)
	draft, err := s.store.Draft(r.Context(), signedIn(r).Name)
	if err != nil {
		return err
	}
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	posted := r.URL.Query()
	field := posted.Get("field")
	step := wizard.Steps()[wizard.StepOf(field)-1]
	name, _, _ := strings.Cut(field, "[")
	if name, _, _ = strings.Cut(name, "."); !slices.Contains(step.Fields, name) {
		return errNoPage
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(s.looked(r.Context(), run{draft, snapshot}, step.Number, field, posted))
}

func (s *Server) looked(ctx context.Context, run run, step int, field string, posted url.Values) looked {
	row, of, _ := strings.Cut(field, ".")
	if of != "fqdn" && of != "address" {
		return tell(run, step, posted, field)
	}
	filled, found := s.lookUp(ctx, row, posted)
	if filled != "" {
		posted.Set(row+".address", filled)
	}
	answer := tell(run, step, posted, row+".fqdn", row+".address")
	answer.Found = found
	f := answer.Fields[row+".address"]
	f.Fill = filled
	answer.Fields[row+".address"] = f
	return answer
}

// lookUp asks the DNS about the server of one row: the address to fill in where none was typed, and whether both agree.
func (s *Server) lookUp(ctx context.Context, row string, posted url.Values) (filled string, found *lookedFound) {
	one := federation.Answers{FrontEnds: []federation.Host{postedHost(posted, row)}}
	h := &one.FrontEnds[0]
	if _, err := federation.ParseFQDN(h.FQDN); err != nil {
		return "", nil
	}
	typed := h.Address
	s.fillAddresses(ctx, one)
	if h.Address != typed {
		filled = h.Address
	}
	state := s.compareWithDNS(ctx, one.FrontEnds)[0]
	return filled, &lookedFound{Row: row, Mark: state.Mark, Word: state.Word, Note: state.Note}
}

// tell checks the named fields as Next checks the step. A field in which nothing stands yet has no problem before Next.
func tell(run run, step int, posted url.Values, names ...string) looked {
	answer(&run.draft.Answers, step, posted)
	_, rows := postedFrontEnds(posted)
	list := looked{Fields: map[string]lookedField{}}
	for _, name := range names {
		field := lookedField{Problems: []string{}, Cautions: []string{}}
		if posted.Get(name) != "" {
			path := pathOf(name, rows)
			field.Problems = append(field.Problems, inWords(wizard.CheckStep(step, run.answers(), run.snapshot)).Of(path)...)
			if len(field.Problems) == 0 {
				field.Cautions = append(field.Cautions, cautions(run.answers(), run.snapshot).Of(path)...)
			}
		}
		list.Fields[name] = field
	}
	return list
}

// pathOf is the path of a form's field in the answers, where rows without a text are left out.
func pathOf(name string, rows []int) string {
	for i, row := range rows {
		if rest, ok := strings.CutPrefix(name, fmt.Sprintf("front_ends[%d].", row)); ok {
			return fmt.Sprintf("front_ends[%d].%s", i, rest)
		}
	}
	return name
}

// looks counts the look-ups under way by their sessions.
type looks struct {
	mu    sync.Mutex
	under map[string]int
}

// enter reports whether the session may look something up now; leave ends what it let in.
func (l *looks) enter(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under[session] >= maxLooks {
		return false
	}
	if l.under == nil {
		l.under = map[string]int{}
	}
	l.under[session]++
	return true
}

func (l *looks) leave(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under[session]--; l.under[session] == 0 {
		delete(l.under, session)
	}
}
