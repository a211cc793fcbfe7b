package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/names"
)

// flags are what every command takes.
type flags struct {
	DatabaseURL string `name:"database-url" env:"ISTHMUS_DATABASE_URL" placeholder:"URL" help:"Postgres database. Empty: a private Postgres in the data directory."`
	DataDir     string `name:"data-dir" env:"ISTHMUS_DATA_DIR" placeholder:"DIR" help:"Directory of this node's data (default ./var)."`
	HTTP        string `name:"http" env:"ISTHMUS_HTTP" default:"127.0.0.1:8080" help:"Address of the console; one that is not loopback needs --insecure-http."`
	Insecure    bool   `name:"insecure-http" env:"ISTHMUS_INSECURE_HTTP" help:"Serve the console without TLS on an address that is not loopback."`
	HTTPS       string `name:"https" env:"ISTHMUS_HTTPS" placeholder:"ADDRESS" help:"Address of the console over TLS with the node's certificate; empty: none."`
	KeyFile     string `name:"key-file" env:"ISTHMUS_KEY_FILE" placeholder:"FILE" help:"File of the key under which private keys are stored (default key in the data directory)."`
	Node        string `name:"node" env:"ISTHMUS_NODE" placeholder:"FQDN" help:"Name of this node (default: the machine's fully qualified name)."`
	SIPAddress  string `name:"sip-address" env:"ISTHMUS_SIP_ADDRESS" default:"127.0.0.1" help:"Address this node's listeners bind when the node is new."`
	DNS         string `name:"dns" env:"ISTHMUS_DNS" placeholder:"HOST:PORT" help:"DNS server (default: the system's resolver)."`
	LogLevel    string `name:"log-level" env:"ISTHMUS_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least level of log lines: debug, info, warn or error."`

	dataDirNamed bool // chosen by flag or environment
	nodeNamed    bool // chosen by flag
}

const defaultDataDir = "./var"

// resolve fills in the defaults that depend on other flags or on the machine.
func (f *flags) resolve() {
	f.dataDirNamed = f.DataDir != ""
	if !f.dataDirNamed {
		f.DataDir = defaultDataDir
	}
	if f.KeyFile == "" {
		f.KeyFile = filepath.Join(f.DataDir, "key")
	}
	if f.Node == "" {
		f.Node = machineName()
	}
	if name, err := federation.ParseFQDN(f.Node); err == nil {
		f.Node = name
	}
}

// machineName is the machine's fully qualified name, else HOST.localdomain.
func machineName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	for _, name := range []string{host, canonicalName(host)} {
		if fqdn, err := federation.ParseFQDN(name); err == nil {
			return fqdn
		}
	}
	return strings.ToLower(host) + ".localdomain"
}

func canonicalName(host string) string {
	name, err := net.LookupCNAME(host)
	if err != nil {
		return ""
	}
	return name
}

// check refuses flags that no command could work with.
func (f *flags) check() error {
	if _, err := federation.ParseFQDN(f.Node); err != nil {
		return errors.New("--node " + f.Node + " is no fully qualified name; name this node, such as --node imp1.synergy.com.")
	}
	if _, err := federation.ParseAddress(f.SIPAddress); err != nil {
		return errors.New("--sip-address " + f.SIPAddress + " is no IP address; enter the one this node's listeners bind, such as 10.1.10.11.")
	}
	if _, _, err := net.SplitHostPort(f.DNS); f.DNS != "" && err != nil {
		return errors.New("--dns " + f.DNS + " is no address of a DNS server; enter host and port, such as 10.1.1.1:53.")
	}
	if !f.Insecure && !loopback(f.HTTP) {
		return errors.New("--http " + f.HTTP + " is not a loopback address; use --https there, or accept passwords in clear with --insecure-http.")
	}
	return nil
}

// loopback reports whether an address to listen on is reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := federation.ParseAddress(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// ask asks the DNS server of --dns, or the system's.
func (f *flags) ask() names.Ask {
	if f.DNS == "" {
		return names.System()
	}
	return names.Server(f.DNS)
}

// resolver is the same for the pages of the console, which look up what is being typed.
func (f *flags) resolver() *net.Resolver {
	if f.DNS == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, f.DNS)
	}}
}
