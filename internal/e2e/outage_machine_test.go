package e2e

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/siptest"
)

// isLoaded sends requests in both directions, one every so often on each lane.
func (w *world) isLoaded(t *testing.T, every time.Duration) *load {
	t.Helper()
	l := newLoad(t, every, regardless, w.connector, w.fe1)
	for range lanes {
		l.lane(w.net+nodeHost+":5061", w.from(fe1Host, "fe1.synergy.com"), carl, ann, 200)
		l.lane(w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost}, ann, carl, 200)
	}
	l.goesOn(20)
	return l
}

// askedToLeave sends one request after the answer to the other, until one is refused with 503, and returns how many
// were served before, and what the connection ended with after that.
func askedToLeave(c *siptest.Conn, first func()) (served int, end error) {
	for {
		if err := c.Send(hello(carl, ann)); err != nil {
			return served, err
		}
		m, err := c.Receive()
		switch {
		case err != nil:
			return served, errors.Join(errors.New("a request had no answer"), err)
		case m.Status() == 503:
			_, err := c.Receive()
			return served, err
		case m.Status() != 200:
			return served, errors.New("answered " + string(m.Bytes()))
		}
		if served++; served == 1 {
			first()
		}
	}
}

// TestAStopUnderLoadAnswersEveryRequestAndEndsWithZero is M3 with a process: peers that go on asking are served for two
// seconds, then told to go elsewhere, and their connections end in good order.
func TestAStopUnderLoadAnswersEveryRequestAndEndsWithZero(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	w.connector.takesAll(t)
	var ready, ended sync.WaitGroup
	for range lanes {
		fe := w.outside(t, fe1Host, "fe1.synergy.com").Conn
		ready.Add(1)
		ended.Go(func() {
			once := sync.OnceFunc(ready.Done)
			defer once()
			served, end := askedToLeave(fe, once)
			if end != io.EOF { // as after a reset
				t.Errorf("after %d answers: %v", served, end)
			}
		})
	}
	ready.Wait()
	began := time.Now()
	if code := p.stop(); code != 0 {
		t.Errorf("exit %d: %s", code, tailOf(p.err.String()))
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %s", took)
	}
	ended.Wait()
}

// TestAPortThatIsTakenAtTheStartKeepsTheNodeFromNothingElse is M5 with processes.
func TestAPortThatIsTakenAtTheStartKeepsTheNodeFromNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	w.setUp()
	taken, err := net.Listen("tcp", w.net+nodeHost+":5060")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := launch(t, w.node.env, programs.isthmus, "serve")
	eventually(t, patience, "the other listener serves", func() bool { return w.knock(fe1Host).status == 200 })
	if r := w.node.ready(); r.State != "starting" || r.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %+v", r)
	}
	eventually(t, patience, "the log names the port", func() bool { return says(p, "listener not open", "5060") })
	w.connector.takesAll(t)
	fe := w.outside(t, fe1Host, "fe1.synergy.com")
	isServed(t, fe)
	taken.Close()
	eventually(t, patience, "it opens by itself", func() bool { return w.node.ready().State == "ready" && answersOptions(w.net+nodeHost) })
}

// paused is how long a process is stopped: beyond what any hop has for its answer (4 s), and not beyond the 16 s after which
// a MESSAGE is given up.
const (
	paused      = 10 * time.Second
	pausedEvery = 4 * laneEvery // so that what has gathered fits the queue of one connection, however slowly the test reads it
)

// TestAProcessThatStandsStillForTenSecondsGoesOnAndLosesNothing is M11: what came meanwhile is answered, also by the answers of
// hops that had less time than that, nothing is sent twice, and no hop is taken for dead. That the watchdog bears with it, which
// waits longer than this, is shown in internal/node.
func TestAProcessThatStandsStillForTenSecondsGoesOnAndLosesNothing(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	inside, outside := w.inside(t), w.outside(t, fe1Host, "fe1.synergy.com")
	inside.Sends(siptest.Subscribe(ann, carl))
	outside.Sends(siptest.Subscribe(carl, ann))
	atPool, atConnector := w.fe1.expect(t, "SUBSCRIBE"), w.connector.expect(t, "SUBSCRIBE")
	load := w.isLoaded(t, pausedEvery)
	p.freezes()
	atPool.answers(t, 200)
	atConnector.answers(t, 200)
	<-time.After(paused)
	p.thaws()
	inside.Expect("200")
	outside.Expect("200")
	w.fe2.nothing(t)
	load.goesOn(int(paused/pausedEvery) * lanes)
	load.ends()
	if r := w.node.ready(); r.State != "ready" {
		t.Errorf("/readyz says %+v", r)
	}
	for _, fault := range []string{"next hop down", "a fault inside"} {
		if says(p, fault) {
			t.Errorf("the log tells %q:\n%s", fault, tailOf(p.err.String()))
		}
	}
}

// A calendar makes a database tell another time than the machine: its functions of the clock stand before the system's
// in the search path, and what columns take by default follows.
type calendar struct {
	t    *testing.T
	conn *pgx.Conn
}

func newCalendar(t *testing.T, database string) *calendar {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	c := &calendar{t: t, conn: conn}
	c.runs(`CREATE SCHEMA calendar;
		CREATE TABLE calendar.page (ahead interval NOT NULL);
		INSERT INTO calendar.page VALUES ('0');
		CREATE FUNCTION calendar.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT pg_catalog.now() + ahead FROM calendar.page';
		CREATE FUNCTION calendar.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM calendar.page';
		DO $$ DECLARE c record; BEGIN
			FOR c IN SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND column_default LIKE '%now()%' LOOP
				EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT calendar.now()', c.table_name, c.column_name);
			END LOOP;
			EXECUTE format('ALTER DATABASE %I SET search_path = calendar, pg_catalog, public', current_database());
		END $$`)
	return c
}

func (c *calendar) runs(sql string) {
	c.t.Helper()
	if _, err := c.conn.Exec(c.t.Context(), sql); err != nil {
		c.t.Fatal(err)
	}
}

// sets has the database's clock be ahead of the machine's by an interval of SQL.
func (c *calendar) sets(ahead string) {
	c.t.Helper()
	c.runs(`UPDATE calendar.page SET ahead = '` + ahead + `'`)
}

// TestClocksThatAreWrongEndNoSessionEarlyAndHoldUpNoRequest is M10. The machine's clock cannot be set here, but the database's
// can be made to differ from it in either direction, and that is all that a wrong clock of the machine looks like to a
// console whose sessions live by the database's. SIP's timers have no calendar.
func TestClocksThatAreWrongEndNoSessionEarlyAndHoldUpNoRequest(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	clock := newCalendar(t, database)
	clock.sets("1 hour")
	w := newWorld(t, database)
	w.setUp()
	p := w.node.serve()
	w.connector.takesAll(t)
	fe := w.outside(t, fe1Host, "fe1.synergy.com")
	eventually(t, patience, "the log tells that the clocks differ", func() bool { return says(p, "clock and the database's differ", `"ahead_seconds":-3`) })
	isServed(t, fe)

	anna := w.node.signsIn("anna")
	signedIn := func() bool { return strings.Contains(anna.opens("/nodes"), "imp1.synergy.com") }
	if !signedIn() {
		t.Fatal("signing in does not sign in")
	}
	clock.sets("0") // an hour back
	if !signedIn() {
		t.Error("a clock that goes back an hour signs out")
	}
	isServed(t, fe)
	clock.sets("2 hours") // two hours on
	if signedIn() {
		t.Error("a session outlives two hours without use")
	}
	isServed(t, fe)
	clock.sets("10 years")
	isServed(t, fe)
	if r := w.node.ready(); r.State != "ready" {
		t.Errorf("/readyz says %+v", r)
	}
}
