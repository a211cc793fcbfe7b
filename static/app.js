// Enhancement only: every page works without this file.

// The usual port follows the protocol while nobody typed another one (guide p.53: TLS 5061, TCP 5060).
const usual = { tls: "5061", tcp: "5060", udp: "5060" };
const transport = document.querySelector("select[data-port]");
const port = transport && document.getElementById(transport.dataset.port);
if (port) {
  let before = transport.value;
  transport.addEventListener("change", () => {
    if (port.value === usual[before]) port.value = usual[transport.value];
    before = transport.value;
  });
}

// A form left with unsaved changes is asked about once.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}

// Copying is offered where the browser can do it.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = button.parentElement.querySelector("[role=status]");
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "The browser did not allow it. Select the text and copy it by hand.";
    }
  });
}
