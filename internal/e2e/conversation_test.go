package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// TestConversations runs the files in testdata/conversations: those that name the same world one after another in it, the
// worlds side by side.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	worlds := map[string][]script{}
	for _, f := range files {
		s, err := readScript(f)
		if err != nil {
			t.Fatal(err)
		}
		worlds[s.world] = append(worlds[s.world], s)
	}
	for name, scripts := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stage := newStage(t, name)
			for _, s := range scripts {
				t.Run(strings.TrimSuffix(s.file, ".txt"), func(t *testing.T) { stage.play(t, s) })
			}
		})
	}
}

// stage is a world in which conversations take place one after another.
type stage struct {
	*world
	machines map[string]*actor
	boxes    map[string]*inbox // by address and port
	hosts    map[string]string
	base     string // the configuration to which each conversation begins
}

// actor is a node: a machine, and its program while that is under way.
type actor struct {
	machine *machine
	process *process
}

// newStage is a world with one node or with two; the words after a comma tell two of a kind apart.
func newStage(t *testing.T, name string) *stage {
	t.Helper()
	s := &stage{machines: map[string]*actor{}, boxes: map[string]*inbox{}, hosts: map[string]string{}}
	switch kind, _, _ := strings.Cut(name, ","); kind {
	case "one node":
		w, p := running(t)
		s.world = w
		s.machines["imp1"] = &actor{w.node, p}
	case "two nodes", "two nodes over TLS":
		c := newCluster(t, map[bool]string{false: "tcp", true: "tls"}[kind == "two nodes over TLS"])
		s.world = c.world
		s.machines["imp1"], s.machines["imp2"] = &actor{c.node, c.process}, &actor{c.second, c.process2}
		s.boxes[c.connector2.Addr()] = c.connector2
	default:
		t.Fatalf("there is no world %q", name)
	}
	for _, box := range []*inbox{s.connector, s.fe1, s.fe2} {
		s.boxes[box.Addr()] = box
	}
	for name, host := range map[string]string{"imp1": nodeHost, "imp2": imp2Host, "fe1": fe1Host, "fe2": fe2Host, "stranger": stranger,
		"host1": "41", "host2": "42", "host3": "43", "host4": "44", "host5": "45", "host6": "46"} {
		s.hosts[name] = s.net + host
	}
	s.base = s.node.isthmus("config", "export")
	return s
}

// conversation is a script under way.
type conversation struct {
	*stage
	t       *testing.T
	parties map[string]*party
	values  map[string]string // of placeholders
	changed bool
}

func (st *stage) play(t *testing.T, s script) {
	c := &conversation{stage: st, t: t, parties: map[string]*party{}, values: map[string]string{"call": siptest.Unique("call")}}
	for name, address := range st.hosts {
		c.values[name] = address
	}
	defer func() {
		if t.Failed() {
			t.Logf("%s promises: %s", s.file, s.promise)
			for name, m := range c.machines {
				t.Logf("%s says: %s", name, tailOf(m.process.err.String()))
			}
		}
		if c.changed {
			c.apply(st.base)
		}
	}()
	for _, step := range s.steps {
		c.do(step)
	}
	c.nothingMore(s)
}

func (c *conversation) do(s step) {
	switch s.verb {
	case "listens":
		c.listens(s)
	case "connects":
		c.connects(s)
	case "sends":
		c.sends(s)
	case "receives":
		c.receives(s)
	case "answers":
		c.answers(s)
	case "hears":
		c.hears(s)
	case "is":
		c.isClosed(s)
	case "closes":
		c.closes(s)
	case "stops":
		c.stops(s)
	case "starts":
		c.starts(s)
	case "config:":
		c.changed = true
		c.apply("version: 1\n" + c.fill(strings.Join(s.text, "\n")) + "\n")
	}
}

func (c *conversation) fatal(s step, format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("%s: %s", s.at, fmt.Sprintf(format, args...))
}

func (c *conversation) party(s step) *party {
	p := c.parties[s.who]
	if p == nil {
		c.fatal(s, "%s has neither connected nor listened", s.who)
	}
	return p
}

// apply changes the configuration, and waits until every node that runs obeys it.
func (c *conversation) apply(document string) {
	before := c.node.ready()
	c.node.isthmus("config", "apply", "--yes", c.node.write("conversation.yaml", document))
	for name, m := range c.machines {
		eventually(c.t, patience, "in force on "+name, func() bool {
			select {
			case <-m.process.ended:
				return true
			default:
				return m.machine.ready().Applied > before.Applied
			}
		})
	}
}

func (c *conversation) sends(s step) {
	p := c.party(s)
	raw := ""
	switch {
	case len(s.words) > 0:
		raw = strings.Repeat("\r\n", len(s.words))
	case p.conn == nil:
		c.fatal(s, "%s has no connection yet to send over", s.who)
	default:
		raw = c.request(s, p)
	}
	if err := p.conn.Write(raw); err != nil {
		c.fatal(s, "%v", err)
	}
}

func (c *conversation) receives(s step) {
	p := c.party(s)
	if len(s.text) == 0 {
		want := strings.Repeat("\r\n", len(s.words))
		if got, err := p.conn.ReadRaw(patience); got != want {
			c.fatal(s, "received %q %v", got, err)
		}
		return
	}
	for {
		a, err := p.receive(patience)
		if err != nil {
			c.fatal(s, "%s is waiting for %q: %v%s", s.who, s.text[0], err, c.others(p))
		}
		if a.Status() == 100 && !strings.HasPrefix(s.text[0], "SIP/2.0 100") {
			continue
		}
		if problem := c.differs(s, string(a.Bytes())); problem != "" {
			c.fatal(s, "%s; %s received\n%s", problem, s.who, a.Bytes())
		}
		p.heard[a.Method()] = a
		return
	}
}

// others tells what everybody else has received and the conversation did not ask for.
func (c *conversation) others(than *party) (text string) {
	for name, p := range c.parties {
		if p == than || p.closed {
			continue
		}
		a, err := p.receive(time.Millisecond)
		for ; err == nil; a, err = p.receive(time.Millisecond) {
			text += fmt.Sprintf("\n%s has received\n%s", name, a.Bytes())
		}
		if !siptest.Quiet(err) {
			text += fmt.Sprintf("\n%s: %v", name, err)
		}
	}
	return text
}

func (c *conversation) answers(s step) {
	p := c.party(s)
	if len(s.words) < 2 {
		c.fatal(s, "a method and a status are wanted")
	}
	a, ok := p.heard[s.words[0]]
	status, err := strconv.Atoi(s.words[1])
	if !ok || err != nil {
		c.fatal(s, "%s has received no %s that it could answer with %q", s.who, s.words[0], s.words[1])
	}
	if err := a.conn.Write(c.response(s, a, status)); err != nil {
		c.fatal(s, "%v", err)
	}
}

// nothingMore holds that nobody received what the conversation does not tell. The answer to a question that is asked last
// comes after whatever was on its way.
func (c *conversation) nothingMore(s script) {
	end := step{at: s.file + ": at the end"}
	for name, p := range c.parties {
		if p.box != nil || p.closed {
			continue
		}
		if err := p.conn.Send(siptest.Probe(p.node)); err != nil {
			c.fatal(end, "%s: %v", name, err)
		}
		for {
			a, err := p.receive(patience)
			if err != nil {
				c.fatal(end, "%s: %v", name, err)
			}
			if a.Status() == 200 && a.Method() == "OPTIONS" {
				break
			}
			if a.Status() != 100 {
				c.fatal(end, "%s received\n%s", name, a.Bytes())
			}
		}
	}
	boxes := maps.Clone(c.boxes)
	for name, p := range c.parties {
		if p.box != nil {
			boxes[name] = p.box
		}
	}
	for where, box := range boxes {
		select {
		case a := <-box.arrived:
			c.fatal(end, "at %s arrived\n%s", where, a.Bytes())
		default:
		}
	}
}
