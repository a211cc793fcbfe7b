package names

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Bounds of one question.
const (
	tryLimit   = 2 * time.Second // one server's answer
	askLimit   = 5 * time.Second // the whole
	rounds     = 2               // through the servers
	maxAliases = 8               // CNAME records in a row
)

// How long an answer holds.
const (
	leastTTL   = time.Second
	mostTTL    = time.Hour
	mostNoTTL  = time.Minute     // that there is no such record: who adds it does not want to wait longer
	unsaidTTL  = 5 * time.Second // the same without a SOA record, which would say how long (RFC 2308 section 5)
	hostsTTL   = 5 * time.Second // of the hosts file
	systemConf = "/etc/resolv.conf"
	systemFile = "/etc/hosts"
)

// An Answer is the records of one type that a name has, aliases followed. That there are none is an answer too.
type Answer struct {
	Records []dns.RR
	TTL     time.Duration
}

// Ask asks for the records of a type, such as dns.TypeA, that a name has. It returns within 5 s. The error means that
// nobody answered, not that there is nothing.
type Ask func(ctx context.Context, name string, recordType uint16) (Answer, error)

// Server asks the DNS server at host:port.
func Server(address string) Ask {
	return (&client{servers: func() ([]string, error) { return []string{address}, nil }}).ask
}

// System reads the hosts file and asks the servers of resolv.conf. Names are fully qualified: its search list has no say.
func System() Ask {
	return (&client{servers: func() ([]string, error) { return configured(systemConf) }, hosts: &hostsFile{path: systemFile}}).ask
}

// configured are the servers of a file in the form of resolv.conf. It is read each time, as the machine may move.
func configured(path string) ([]string, error) {
	c, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the DNS servers: %w", err)
	}
	var list []string
	for _, s := range c.Servers {
		list = append(list, net.JoinHostPort(s, c.Port))
	}
	return list, nil
}

// A client is a stub resolver (RFC 1034 section 5.3.1).
type client struct {
	servers func() ([]string, error)
	hosts   *hostsFile // nil: not read
}

func (c *client) ask(ctx context.Context, name string, recordType uint16) (Answer, error) {
	if a, ok := c.hosts.answer(name, recordType); ok {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	a := Answer{TTL: mostTTL}
	for range maxAliases {
		m, err := c.exchange(ctx, name, recordType)
		if err != nil {
			return Answer{}, err
		}
		next := a.take(m, name, recordType)
		if next == "" {
			a.TTL = max(a.TTL, leastTTL)
			return a, nil
		}
		name = next
	}
	return Answer{}, fmt.Errorf("the aliases that DNS gives have no end, %s is one of them", name)
}

// take collects the records of a name in a message. It returns "" when that is the whole answer, else the name that
// the aliases in the message lead to, which has to be asked for.
func (a *Answer) take(m *dns.Msg, name string, recordType uint16) string {
	next := ""
	for range len(m.Answer) + 1 {
		alias := ""
		for _, rr := range m.Answer {
			if !sameName(rr.Header().Name, name) {
				continue
			}
			switch cname, ok := rr.(*dns.CNAME); {
			case rr.Header().Rrtype == recordType:
				a.Records = append(a.Records, rr)
				a.shorten(rr.Header().Ttl)
			case ok:
				alias = plain(cname.Target)
				a.shorten(rr.Header().Ttl)
			}
		}
		if len(a.Records) > 0 {
			return ""
		}
		if alias == "" {
			break
		}
		name, next = alias, alias
	}
	if next == "" {
		a.TTL = min(a.TTL, negativeTTL(m))
	}
	return next
}

func (a *Answer) shorten(ttl uint32) { a.TTL = min(a.TTL, time.Duration(ttl)*time.Second) }

// negativeTTL is how long it holds that there is nothing (RFC 2308 section 5).
func negativeTTL(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(time.Duration(min(soa.Hdr.Ttl, soa.Minttl))*time.Second, mostNoTTL)
		}
	}
	return unsaidTTL
}

// exchange asks one server after the other.
func (c *client) exchange(ctx context.Context, name string, recordType uint16) (*dns.Msg, error) {
	servers, err := c.servers()
	if err != nil {
		return nil, err
	}
	err = errors.New("no DNS server is configured")
	for range rounds {
		for _, s := range servers {
			m, failure := once(ctx, s, name, recordType)
			if failure == nil {
				return m, nil
			}
			err = fmt.Errorf("the DNS server %s gives no answer about %s: %w", s, name, failure)
			if ctx.Err() != nil {
				return nil, err
			}
		}
	}
	return nil, err
}

// once asks one server, over TCP when the answer is too long for UDP (RFC 7766).
func once(ctx context.Context, server, name string, recordType uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), recordType)
	m, _, err := (&dns.Client{Net: "udp"}).ExchangeContext(ctx, q, server)
	if m != nil && m.Truncated {
		m, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, q, server)
	}
	return m, cmp.Or(err, faultOf(q, m))
}

// faultOf is why a message is not the answer to q.
func faultOf(q, m *dns.Msg) error {
	switch {
	case m == nil:
		return errors.New("no answer")
	case len(m.Question) != 1 || !sameName(m.Question[0].Name, q.Question[0].Name) || m.Question[0].Qtype != q.Question[0].Qtype:
		return errors.New("it answers another question")
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return errors.New("it answers " + dns.RcodeToString[m.Rcode])
	case len(m.Answer) == 0 && !m.Authoritative && refers(m):
		return errors.New("it refers to other servers")
	}
	return nil
}

func refers(m *dns.Msg) bool {
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeNS {
			return true
		}
	}
	return false
}

func sameName(a, b string) bool { return plain(a) == plain(b) }

// plain is a name in lower case without the dot at its end.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
