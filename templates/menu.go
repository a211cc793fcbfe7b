package templates

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
}

// Menu holds the pages that exist, and no others.
var Menu = []MenuGroup{
	{"", []MenuEntry{
		{"/", "Start", "Cisco Unified CM IM and Presence Administration, first page"},
	}},
	{"Federation", []MenuEntry{
		{"/wizard", "Federation wizard", "Presence > Federation Wizard; Presence > Intradomain Federation Setup"},
		{"/deployments", "Deployments", ""},
		{"/domains", "Domains", "Presence > Domains"},
		{"/static-routes", "Static routes", "Presence > Routing > Static Routes"},
		{"/users", "Users", "System > Presence Topology, assigned users"},
	}},
	{"Security", []MenuEntry{
		{"/acl", "Incoming ACL", "System > Security > Incoming ACL"},
		{"/tls-peer-subjects", "TLS peer subjects", "System > Security > TLS Peer Subjects"},
		{"/tls-contexts", "TLS contexts", "System > Security > TLS Context Configuration"},
	}},
	{"System", []MenuEntry{
		{"/nodes", "Nodes", "System > Presence Topology"},
		{"/services", "Services", "Serviceability > Tools > Service Activation"},
		{"/listeners", "Listeners", "System > Application Listeners"},
		{"/settings", "Settings", "Presence > Settings > Standard Configuration"},
	}},
	{"Watch", []MenuEntry{
		{"/audit", "Audit", ""},
	}},
}

// GuideName is what the guide calls the page of that path.
func GuideName(path string) string { return menuEntry(path).Guide }

// PageName is the menu's name of the page of that path.
func PageName(path string) string { return menuEntry(path).Name }

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
