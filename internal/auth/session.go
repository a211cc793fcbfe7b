package auth

import "time"

// How long a session lives without a request, and at most.
const (
	SessionIdle     = 30 * time.Minute
	SessionAbsolute = 12 * time.Hour
)

// A Session is one administrator signed in with one browser. Its cookie holds a random id; only the id's hash is stored,
// so that reading the database signs nobody in.
type Session struct {
	IDHash    []byte // SHA-256 of the id in the cookie
	Name      string // the administrator
	Role      Role   // as it stands now: a change bites with the next request; read only
	Data      []byte // what pages keep between two requests
	CreatedAt time.Time
	SeenAt    time.Time
}
