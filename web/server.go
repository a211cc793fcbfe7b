// Package web is the console over HTTP: every route, who may use it, forms in and pages out. Its pages are drawn by
// templates, its data comes from store. It knows no SQL and no SIP.
package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/sessions"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// A Config is what the console is given.
type Config struct {
	Store   *store.Store
	Node    string        // name of the node that answers
	Version string        // of the program
	Health  func() Health // what this node says of itself; nil: it says nothing, as when no SIP core runs
	Metrics http.Handler  // nil: there is no /metrics
	// Latest is the snapshot that this node has in force and when it was read from the database; false while there is
	// none. It is what can be shown while the database is away. nil: there is never one, as when no SIP core runs.
	Latest func() (federation.Snapshot, time.Time, bool)
	Now    func() time.Time // nil: time.Now

	Key      *certs.Key   // seals private keys; nil: none can be stored
	Log      *slog.Logger // nil: slog.Default
	Resolver Resolver     // for the names that the wizard looks up; nil: the system's

	RollingLimit time.Duration // for a node to be ready again in a rolling restart; 0: 30 s
	LiveBeat     time.Duration // between two signs of life that a live page gets; 0: 10 s
}

// A Resolver asks the DNS, as *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error)
	LookupAddr(ctx context.Context, address string) ([]string, error)
}

// Server answers the console's requests.
type Server struct {
	Config
	store    *store.Store
	sessions sessions.Store
	looks    looks // DNS look-ups under way
	standing standing
	kept     kept
	memory   sessionMemory
	lists    recentLists
	silent   atomic.Bool // the database did not answer the last question after it
	live     live
	reports  reports
	probes   chan struct{} // one for each that runs
}

// New makes the console.
func New(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.LiveBeat == 0 {
		c.LiveBeat = liveBeat
	}
	s := &Server{Config: c, store: c.Store, probes: make(chan struct{}, maxProbes)}
	s.sessions = sessionStore{c.Store, &s.memory, s}
	return s.routes()
}

// HTTPServer wraps the console in a server with limits on slow and large requests. What goes wrong before there is a request,
// such as a TLS handshake, goes to the log. Its address is the caller's to set.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	closing, close := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: h,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), closingKey{}, closing)
		},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelInfo),
	}
	server.RegisterOnShutdown(close)
	return server
}

// routes is every route there is.
func (s *Server) routes() chi.Router {
	r := chi.NewRouter()
	r.Use(s.identify, secure, s.recover, unattended, notStreams(limit), middleware.GetHead)
	r.NotFound(s.open(func(w http.ResponseWriter, r *http.Request) error { return errNoPage }))
	r.MethodNotAllowed(s.open(wrongMethod))

	r.Get("/healthz", s.healthz)
	r.Get("/readyz", s.readyz)
	r.Get("/metrics", s.metrics)
	r.Get("/static/{file}", serveStatic)

	r.Get("/login", s.open(s.showLogin))
	r.Post("/login", s.always(s.login))
	r.Get("/setup", s.open(s.showSetup))
	r.Post("/setup", s.open(s.setup))
	r.Post("/logout", s.always(s.logout))

	r.Get("/", s.may(auth.Read, s.showStart))
	r.Get("/pages", s.may(auth.Read, s.showPages))
	r.Get("/audit", s.may(auth.Read, s.showAudit))
	r.Get("/handshakes", s.may(auth.Read, s.showHandshakes))

	r.Get("/acl/server", s.may(auth.Change, s.showACLServer))
	r.Post("/acl/server", s.may(auth.Change, s.saveACLServer))
	r.Post("/listeners/swap", s.may(auth.Change, s.swapListeners))
	s.manage(r, "/domains", auth.Change, s.domains())
	s.manage(r, "/federated-domains", auth.Change, s.federatedDomains())
	s.manage(r, "/static-routes", auth.Change, s.staticRoutes())
	s.manage(r, "/acl", auth.Change, s.acl())
	s.manage(r, "/tls-peer-subjects", auth.Change, s.tlsPeerSubjects())
	s.manage(r, "/tls-contexts", auth.Administer, s.tlsContexts())
	s.manage(r, "/listeners", auth.Change, s.listeners())
	s.manage(r, "/users", auth.Change, s.users())

	s.nodeRoutes(r)
	s.serviceRoutes(r)
	s.pendingRoutes(r)
	s.wizardRoutes(r)
	s.deploymentRoutes(r)
	s.certificateRoutes(r)
	s.peerCertificateRoutes(r)

	r.Get("/settings", s.may(auth.Read, s.showSettings))
	r.Post("/settings", s.keeping(auth.Administer, s.saveSettings))
	return r
}

// wrongMethod names the methods that the address does take (RFC 9110 section 15.5.6).
func wrongMethod(w http.ResponseWriter, r *http.Request) error {
	routes := chi.RouteContext(r.Context()).Routes
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		ask := method
		if method == http.MethodHead { // answered wherever GET is
			ask = http.MethodGet
		}
		if routes.Match(chi.NewRouteContext(), ask, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	return errNoMethod
}

// pages are the seven requests that every resource answers.
type pages interface {
	showList(http.ResponseWriter, *http.Request) error
	showNew(http.ResponseWriter, *http.Request) error
	create(http.ResponseWriter, *http.Request) error
	showOne(http.ResponseWriter, *http.Request) error
	update(http.ResponseWriter, *http.Request) error
	askDelete(http.ResponseWriter, *http.Request) error
	delete(http.ResponseWriter, *http.Request) error
}

func (s *Server) manage(r chi.Router, path string, change auth.Right, p pages) {
	r.Get(path, s.may(auth.Read, p.showList))
	r.Get(path+"/new", s.may(change, p.showNew))
	r.Post(path, s.keeping(change, p.create))
	r.Get(path+"/delete", s.may(change, p.askDelete))
	r.Post(path+"/delete", s.may(change, p.delete))
	r.Get(path+"/{id:[0-9]+}", s.may(auth.Read, p.showOne))
	r.Post(path+"/{id:[0-9]+}", s.keeping(change, p.update))
}
