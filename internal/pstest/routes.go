package pstest

import (
	"fmt"
	"slices"
	"strings"
)

// Collection is one set of static routes: Global, or Service:Registrar: and a pool, whose own set takes the place of the
// global one for it.
type Collection struct {
	Identity string
	Routes   []Route `json:",omitempty"`
}

// Route sends requests for a domain to a host.
type Route struct {
	MatchURI, Destination        string
	Port                         int
	TLS                          bool
	Disabled, PhoneOnly, Replace bool
}

func (m *Microsoft) routeCmdlets() map[string]Command {
	return map[string]Command{
		"get-csstaticroutingconfiguration": getEach(func() []Collection { return m.State.Collections },
			func(c Collection) string { return c.Identity }, collectionObject),
		"new-csstaticroute":                   newRoute,
		"set-csstaticroutingconfiguration":    m.setRoutes,
		"remove-csstaticroutingconfiguration": m.removeRoutes,
	}
}

func collectionObject(c Collection) *Object {
	list := []any{}
	for _, route := range c.Routes {
		list = append(list, routeObject(route))
	}
	return NewObject("StaticRoutingSettings", "Identity", c.Identity, "Route", list)
}

func routeObject(r Route) *Object {
	choice := NewObject("TransportChoice", "IPAddress", r.Destination)
	if r.TLS {
		choice = NewObject("TransportChoice", "Certificate", "Microsoft.Rtc.Management.WritableConfig.Settings.SipProxy.UseDefaultCert", "Fqdn", r.Destination)
	}
	o := NewObject("Route", "Transport", NewObject("Transport", "TransportChoice", choice, "Port", r.Port), "MatchUri", r.MatchURI,
		"MatchOnlyPhoneUri", r.PhoneOnly, "Enabled", !r.Disabled, "ReplaceHostInRequestUri", r.Replace)
	o.Ref = r
	return o
}

// newRoute makes a route in memory: it belongs to no collection yet.
func newRoute(c *Call) {
	if port := c.Number("Port"); port < 1 || port > 65535 {
		throw("Cannot validate argument on parameter 'Port'.")
	}
	tls := c.True("TLSRoute")
	if tls == c.True("TCPRoute") {
		c.Unknown("with neither or both of TLSRoute and TCPRoute")
	}
	address := strings.Trim(c.Text("Destination"), "0123456789.:") == ""
	if tls == address {
		throw("Cannot bind parameter 'Destination': over TLS it is a name, over TCP an address.")
	}
	c.Out(routeObject(Route{MatchURI: c.Text("MatchUri"), Destination: c.Text("Destination"), Port: c.Number("Port"), TLS: tls,
		Disabled: c.Has("Enabled") && !c.True("Enabled"), PhoneOnly: c.True("MatchOnlyPhoneUri"), Replace: c.True("ReplaceHostInRequestUri")}))
}

func (m *Microsoft) collection(c *Call) *Collection {
	name := c.Text("Identity")
	if !c.Has("Identity") {
		name = "Global"
	}
	i := slices.IndexFunc(m.State.Collections, func(one Collection) bool {
		return same(one.Identity, name) || strings.Contains(name, ":") && leaf(one.Identity) == leaf(name)
	})
	if i < 0 {
		throw("Cannot find %q because it does not exist.", name)
	}
	return &m.State.Collections[i]
}

// setRoutes adds and removes. Replace and $null, which would take away what others made, are not for our scripts.
func (m *Microsoft) setRoutes(c *Call) {
	collection := m.collection(c)
	list, ok := c.Value("Route").(*Hash)
	if !ok || len(list.names) != 1 {
		c.Unknown("with a Route that is neither Add nor Remove")
	}
	routes, _ := list.Get(list.names[0])
	for _, item := range items(routes) {
		o, ok := item.(*Object)
		if !ok || o.Type != "Route" {
			c.Unknown("with a Route that is none")
		}
		m.setRoute(c, collection, strings.ToLower(list.names[0]), o.Ref.(Route))
	}
}

func (m *Microsoft) setRoute(c *Call, collection *Collection, verb string, route Route) {
	at := slices.IndexFunc(collection.Routes, func(one Route) bool { return same(one.MatchURI, route.MatchURI) })
	switch verb {
	case "add":
		if at >= 0 {
			throw("There is a route for %s already.", route.MatchURI)
		}
		c.Change(fmt.Sprintf("add the route for %s to %s:%d in %s", route.MatchURI, route.Destination, route.Port, collection.Identity), func() {
			collection.Routes = append(collection.Routes, route)
		})
	case "remove":
		if at < 0 || collection.Routes[at] != route {
			throw("There is no such route for %s.", route.MatchURI)
		}
		c.Change(fmt.Sprintf("remove the route for %s to %s:%d from %s", route.MatchURI, route.Destination, route.Port, collection.Identity), func() {
			collection.Routes = slices.Delete(collection.Routes, at, at+1)
		})
	default:
		c.Unknown("with %s", verb)
	}
}

// removeRoutes is what the reference says: the global collection is not removed but wiped, with everybody's routes.
func (m *Microsoft) removeRoutes(c *Call) {
	collection := m.collection(c)
	c.Change("wipe "+collection.Identity, func() {
		if same(collection.Identity, "Global") {
			collection.Routes = nil
			return
		}
		name := collection.Identity
		m.State.Collections = slices.DeleteFunc(m.State.Collections, func(one Collection) bool { return one.Identity == name })
	})
}
