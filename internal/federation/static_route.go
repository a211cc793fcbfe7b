package federation

import (
	"fmt"
	"strings"
)

// Route types (guide p.53).
const (
	RouteUser   = "user"   // destination is a pattern of user parts, such as phone numbers
	RouteDomain = "domain" // destination is a domain reversed, with a leading dot
)

// Transports of routes, listeners and links between nodes.
const (
	TCP = "tcp"
	TLS = "tls"
	UDP = "udp"
)

// A StaticRoute says where requests for a destination go (guide p.52-53, 123-125).
type StaticRoute struct {
	ID                int64  `yaml:"-"`
	Destination       string `yaml:"destination" validate:"required,text"`
	Type              string `yaml:"type" validate:"oneof=user domain"`
	NextHop           string `yaml:"next_hop" validate:"required,host"` // IP address or FQDN
	Port              int    `yaml:"port" validate:"min=0,max=65535"`   // 0 with an FQDN: SRV
	Transport         string `yaml:"transport" validate:"oneof=tcp tls udp"`
	Priority          int    `yaml:"priority" validate:"min=1,max=65535"` // lower is tried first
	Weight            int    `yaml:"weight" validate:"min=1,max=65535"`   // share among equal priorities
	AllowLessSpecific bool   `yaml:"allow_less_specific"`
	InService         bool   `yaml:"in_service"`
	Blocked           bool   `yaml:"blocked"`
	Description       string `yaml:"description" validate:"text"`
}

// NewStaticRoute is a route with every default: type user as in the guide, TCP, port 5060, priority and weight 1.
func NewStaticRoute() StaticRoute {
	return StaticRoute{Type: RouteUser, Port: 5060, Transport: TCP, Priority: 1, Weight: 1, AllowLessSpecific: true, InService: true}
}

// Default makes the route NewStaticRoute.
func (r *StaticRoute) Default() { *r = NewStaticRoute() }

// Normalize brings the route into canonical form. A domain typed for a domain route becomes its pattern.
func (r *StaticRoute) Normalize() {
	r.Type, r.Transport = strings.ToLower(strings.TrimSpace(r.Type)), strings.ToLower(strings.TrimSpace(r.Transport))
	r.NextHop, r.Description = canonicalHost(r.NextHop), strings.TrimSpace(r.Description)
	if r.Type == RouteDomain {
		r.Destination = canonicalDestination(r.Destination)
	} else {
		r.Destination = strings.ToLower(strings.TrimSpace(r.Destination))
	}
}

// Problems names what is wrong with the fields.
func (r *StaticRoute) Problems() []Problem {
	list := check(r)
	if err := r.checkDestination(); err != nil && len(Invalid(list).Of("destination")) == 0 {
		list = append(list, problem("destination", "%s", err))
	}
	if a, err := ParseAddress(r.NextHop); err == nil && !IsOneHost(a) {
		list = append(list, problem("next_hop", "%s is no address of a server; enter the address of one, such as 10.1.20.21.", a))
	}
	if r.Port == 0 && (r.NextHop == "" || IsAddress(r.NextHop)) {
		list = append(list, problem("port", "Port 0 asks DNS for SRV records, which an IP address does not have; enter a port, such as 5061."))
	}
	return list
}

func (r *StaticRoute) checkDestination() error {
	if r.Type == RouteDomain {
		return checkDomainPattern(r.Destination)
	}
	return checkUserPattern(r.Destination)
}

// Domain is the domain that the route's pattern stands for, "" for a user route.
func (r *StaticRoute) Domain() string {
	if r.Type != RouteDomain {
		return ""
	}
	return PatternDomain(r.Destination)
}

// Key is destination, next hop, port and transport: two routes may share all but these.
func (r *StaticRoute) Key() string {
	return fmt.Sprintf("%s %s:%d/%s", r.Destination, r.NextHop, r.Port, r.Transport)
}
