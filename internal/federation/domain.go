package federation

import "strings"

// A Domain is a presence domain that this side holds (guide p.47, administrator-managed domains).
type Domain struct {
	ID   int64  `yaml:"-"`
	Name string `yaml:"name" validate:"domain"`
}

// Normalize brings the name into canonical form; a name that is none stays as typed.
func (d *Domain) Normalize() {
	d.Name = strings.TrimSpace(d.Name)
	if name, err := ParseDomain(d.Name); err == nil {
		d.Name = name
	}
}

// Problems names what is wrong with the fields.
func (d *Domain) Problems() []Problem { return check(d) }

// Key is the name.
func (d *Domain) Key() string { return d.Name }

// A FederatedDomain is a remote domain that own users reach through the Microsoft side (guide p.121-125).
type FederatedDomain struct {
	ID     int64  `yaml:"-"`
	Name   string `yaml:"name" validate:"domain"`
	Direct bool   `yaml:"direct"` // Direct Federation: without it nothing is routed there
}

// Default checks Direct Federation, as the guide does (guide p.122).
func (d *FederatedDomain) Default() { *d = FederatedDomain{Direct: true} }

// Normalize brings the name into canonical form; a name that is none stays as typed.
func (d *FederatedDomain) Normalize() {
	d.Name = strings.TrimSpace(d.Name)
	if name, err := ParseDomain(d.Name); err == nil {
		d.Name = name
	}
}

// Problems names what is wrong with the fields.
func (d *FederatedDomain) Problems() []Problem { return check(d) }

// Key is the name.
func (d *FederatedDomain) Key() string { return d.Name }
