package templates

// A MenuGroup is a heading of the menu with its pages.
type MenuGroup struct {
	Name    string // "" for the first group
	Entries []MenuEntry
}

// A MenuEntry is a page by the menu's words and by the guide's.
type MenuEntry struct {
	Path   string
	Name   string
	Guide  string
	Change bool // only for readers who may change something
}

// Open reports whether a reader may open the page.
func (e MenuEntry) Open(mayChange bool) bool { return mayChange || !e.Change }

// Menu holds the pages that exist, and no others.
var Menu = []MenuGroup{
	{"", []MenuEntry{
		{"/", "Start", "Cisco Unified CM IM and Presence Administration, first page", false},
	}},
	{"Federation", []MenuEntry{
		{"/wizard", "Federation wizard", "Presence > Federation Wizard; Presence > Intradomain Federation Setup", true},
		{"/deployments", "Deployments", "", false},
		{"/domains", "Domains", "Presence > Domains", false},
		{"/federated-domains", "Federated domains", "Presence > Inter-Domain Federation > SIP Federation", false},
		{"/static-routes", "Static routes", "Presence > Routing > Static Routes", false},
		{"/users", "Users", "System > Presence Topology, assigned users", false},
	}},
	{"Security", []MenuEntry{
		{"/acl", "Incoming ACL", "System > Security > Incoming ACL", false},
		{"/tls-peer-subjects", "TLS peer subjects", "System > Security > TLS Peer Subjects", false},
		{"/tls-contexts", "TLS contexts", "System > Security > TLS Context Configuration", false},
		{"/certificates", "Certificates", "OS Administration > Security > Certificate Management", false},
		{"/handshakes", "Refused handshakes", "", false},
	}},
	{"System", []MenuEntry{
		{"/nodes", "Nodes", "System > Presence Topology", false},
		{"/services", "Services", "Serviceability > Tools > Service Activation; Tools > Control Center", false},
		{"/listeners", "Listeners", "System > Application Listeners", false},
		{"/settings", "Settings", "Presence > Settings > Standard Configuration", false},
	}},
	{"Watch", []MenuEntry{
		{"/pending", "Pending actions", "System > Notifications", false},
		{"/audit", "Audit", "", false},
	}},
}

// GuideName is what the guide calls the page of that path.
func GuideName(path string) string { return menuEntry(path).Guide }

// PageName is the menu's name of the page of that path.
func PageName(path string) string { return menuEntry(path).Name }

// InMenu reports whether the menu has the path for a reader.
func InMenu(path string, mayChange bool) bool {
	entry := menuEntry(path)
	return entry.Path != "" && entry.Open(mayChange)
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
