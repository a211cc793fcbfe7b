package federation

// Object is what every configured thing can do: bring itself into canonical form, name its problems, and tell the
// natural key by which the configuration document recognises it.
type Object interface {
	Normalize()
	Problems() []Problem
	Key() string
}
