package federation

import "strings"

// A User is somebody with an account here, on the Microsoft side, or both (guide p.1, 20-21).
type User struct {
	ID               int64  `yaml:"-"`
	UserID           string `yaml:"id" validate:"userid"`
	IMAddress        string `yaml:"im_address" validate:"omitempty,uri"` // derived from the scheme when empty
	Mail             string `yaml:"mail" validate:"omitempty,uri"`
	Licensed         bool   `yaml:"licensed"`                                   // an IM and Presence user
	Node             string `yaml:"node" validate:"omitempty,name"`             // home node
	MicrosoftAddress string `yaml:"microsoft_address" validate:"omitempty,uri"` // msRTCSIP-PrimaryUserAddress without sip:
}

// Normalize lowers addresses, because users are compared without case, and drops sip: before them.
func (u *User) Normalize() {
	u.UserID, u.Node = strings.TrimSpace(u.UserID), canonicalHost(u.Node)
	u.IMAddress, u.Mail = canonicalAddress(u.IMAddress), canonicalAddress(u.Mail)
	u.MicrosoftAddress = canonicalAddress(u.MicrosoftAddress)
}

// Problems names what is wrong with the fields.
func (u *User) Problems() []Problem {
	list := check(u)
	if u.Licensed && u.Node == "" {
		list = append(list, problem("node", "A licensed user needs a home node; choose one."))
	}
	return list
}

// Key is the user id without case.
func (u *User) Key() string { return strings.ToLower(u.UserID) }

// Address is the IM address that the scheme gives this user, as Settings.IMAddress describes. It is empty when the
// scheme's source is.
func (u User) Address(s Settings) string {
	if u.IMAddress != "" {
		return u.IMAddress
	}
	return s.IMAddressOf(u)
}

// A UserFact is what routing needs to know of one user.
type UserFact struct {
	UserID           string
	Address          string // IM address, lower case
	Node             string // home node, "" when not licensed
	Licensed         bool
	MicrosoftAddress string
}
