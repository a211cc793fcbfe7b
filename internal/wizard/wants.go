package wizard

import "isthmus/internal/federation"

// Kinds of the objects that come and go with a deployment.
const (
	kindRoute   = "static_route"
	kindACL     = "acl"
	kindSubject = "tls_peer_subject"
)

// wants are the objects that one deployment's answers ask for and that go with it.
type wants struct {
	objects map[federation.Made]bool
	routes  map[string]federation.StaticRoute // by key
	server  map[string][]string               // names and addresses of the server behind a name or address
}

func wantsOf(a federation.Answers) wants {
	w := wants{map[federation.Made]bool{}, map[string]federation.StaticRoute{}, map[string][]string{}}
	for _, r := range routesOf(a) {
		w.routes[r.Key()] = r
		w.objects[madeRoute(r)] = true
	}
	for _, peer := range letIn(a) {
		w.objects[federation.Made{Kind: kindACL, Key: peer.pattern}] = true
	}
	for _, peer := range presenting(a) {
		w.objects[federation.Made{Kind: kindSubject, Key: peer.pattern}] = true
	}
	for _, h := range a.Servers() {
		w.server[h.FQDN], w.server[h.Address] = []string{h.FQDN, h.Address}, []string{h.FQDN, h.Address}
	}
	return w
}

func madeRoute(r federation.StaticRoute) federation.Made {
	return federation.Made{Kind: kindRoute, Key: r.Key()}
}
