package templates

import "isthmus/internal/auth"

// A MenuGroup is a heading of the menu with its pages.
type MenuGroup struct {
	Name    string // "" for the first group
	Entries []MenuEntry
}

// A MenuEntry is a page by the menu's words and by the guide's.
type MenuEntry struct {
	Path  string
	Name  string
	Guide string
	Needs auth.Right // what a reader needs to open it
}

// Open reports whether a reader of that role may open the page. Before login nobody may, and no menu is shown.
func (e MenuEntry) Open(role string) bool { return auth.Role(role).May(e.Needs) }

// Menu holds the pages that exist, and no others.
var Menu = []MenuGroup{
	{"", []MenuEntry{
		{"/", "Start", "Cisco Unified CM IM and Presence Administration, first page", auth.Read},
	}},
	{"Federation", []MenuEntry{
		{"/wizard", "Federation wizard", "Presence > Federation Wizard; Presence > Intradomain Federation Setup", auth.Change},
		{"/deployments", "Deployments", "", auth.Read},
		{"/domains", "Domains", "Presence > Domains", auth.Read},
		{"/static-routes", "Static routes", "Presence > Routing > Static Routes", auth.Read},
		{"/users", "Users", "System > Presence Topology, assigned users", auth.Read},
	}},
	{"Security", []MenuEntry{
		{"/acl", "Incoming ACL", "System > Security > Incoming ACL", auth.Read},
		{"/tls-peer-subjects", "TLS peer subjects", "System > Security > TLS Peer Subjects", auth.Read},
		{"/tls-contexts", "TLS contexts", "System > Security > TLS Context Configuration", auth.Read},
	}},
	{"System", []MenuEntry{
		{"/nodes", "Nodes", "System > Presence Topology", auth.Read},
		{"/services", "Services", "Serviceability > Tools > Service Activation", auth.Read},
		{"/listeners", "Listeners", "System > Application Listeners", auth.Read},
		{"/settings", "Settings", "Presence > Settings > Standard Configuration", auth.Read},
	}},
	{"Watch", []MenuEntry{
		{"/audit", "Audit", "", auth.Read},
	}},
}

// GuideName is what the guide calls the page of that path.
func GuideName(path string) string { return menuEntry(path).Guide }

// PageName is the menu's name of the page of that path.
func PageName(path string) string { return menuEntry(path).Name }

// MayOpen reports whether the menu has the path for a reader of that role.
func MayOpen(path, role string) bool {
	entry := menuEntry(path)
	return entry.Path != "" && entry.Open(role)
}

func menuEntry(path string) MenuEntry {
	for _, group := range Menu {
		for _, entry := range group.Entries {
			if entry.Path == path {
				return entry
			}
		}
	}
	return MenuEntry{}
}
