package powershell

// popupsPage turns off for a while what a migration would flood people with: a window that tells them who added them
// (guide p.101-102).
func popupsPage(w *writer) Page {
	return Page{Name: "pop-ups", Title: "Pop-ups during a migration",
		Lede: "When users move to this side, their clients subscribe anew to the people in their contact lists. Whoever stays on the Microsoft side then gets a window for each of them, unless pop-ups are off.",
		Sections: []Section{
			{Title: "Who gets them", Items: []Item{
				item("Somebody who stays on the Microsoft side gets one when a user who moved has them in the contact list, and they do not have that user in theirs."),
				item("Somebody who has the user in the contact list as well gets none. One that was answered does not come back."),
				item("Off means off for everybody and for everybody's requests, not only for those of users who move. So turn them on again: after the whole migration, or after each batch of users."),
			}},
			popupsOff(w), popupsOn(w),
		}}
}

func popupsOff(w *writer) Section {
	return Section{Title: "Off, before the first users move", Items: []Item{
		w.unblock(`.\popups-off.ps1`),
		w.run("See what it would do. Policies of a site or a user win over the global one, so it goes through all of them.", `.\popups-off.ps1 -WhatIf`),
		w.run("Turn them off. The values of before are kept in isthmus-popups.xml, in the current folder; keep that file.", `.\popups-off.ps1`),
		w.run("Clients get it at the next sign-in. To reach those that stay signed in, restart the Front-End service in a maintenance window.", `.\restart.ps1`),
	}, Step: w.step(Step{File: "popups-off.ps1", Title: "Pop-ups off", Where: w.where("a front end"), Command: `.\popups-off.ps1`,
		Success: "It remembers every client policy's value, sets each to off, and ends with exit code 0. A second run changes nothing."})}
}

func popupsOn(w *writer) Section {
	return Section{Title: "On again, after the last", Items: []Item{
		w.unblock(`.\popups-on.ps1`),
		w.run("Go to the folder with isthmus-popups.xml. Every policy gets the value back that it had.", `.\popups-on.ps1`),
		w.run("When that file is lost, set every policy to the product's default. A value that somebody chose before is lost with the file.", `.\popups-on.ps1 -ToDefault`),
		w.run("Clients get it at the next sign-in, or after the Front-End service restarted.", `.\restart.ps1`),
	}, Step: w.step(Step{File: "popups-on.ps1", Title: "Pop-ups on again", Where: w.where("a front end") + " In the folder where popups-off.ps1 ran.", Command: `.\popups-on.ps1`,
		Success: "Each policy that popups-off.ps1 changed has its own value again, and the exit code is 0. The file is set aside, so that popups-off.ps1 begins anew the next time."})}
}
