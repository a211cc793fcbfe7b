package auth

import "context"

// An Actor is whoever makes a change: an administrator in the console, the command line, or a node itself. The audit
// log keeps all of it.
type Actor struct {
	Name    string
	Role    Role
	Address string // where the request came from, "" for the command line
	Request string // id of the request, as in the log
}

type actorKey struct{}

// WithActor makes every change under ctx the actor's.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom is whoever acts under ctx. The name is "isthmus" where nobody was named: the program itself acts.
func ActorFrom(ctx context.Context) Actor {
	a, ok := ctx.Value(actorKey{}).(Actor)
	if !ok || a.Name == "" {
		a.Name = "isthmus"
	}
	return a
}
