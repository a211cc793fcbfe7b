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

// A field of the wizard is checked when it is left, by the rules by which the step is checked; a server's name is looked
// up. The answer stands where it would stand after Next.
const asking = document.querySelector("form[data-look]");
if (asking) {
  const said = asking.querySelector("[data-said]");
  const under = new Map(); // the question on its way, by row or field: a newer one takes its place

  const icon = (name) => {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("class", "i");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS(ns, "use"));
    svg.firstChild.setAttribute("href", "#" + name);
    return svg;
  };
  const element = (tag, className, ...children) => {
    const e = document.createElement(tag);
    e.className = className;
    e.append(...children);
    return e;
  };
  const error = (text) => element("p", "error", icon("down"), element("span", "", element("span", "hide", "Error: "), text));
  const caution = (text) => element("p", "caution", icon("part"), element("span", "", text));

  const showErrors = (input, texts) => {
    const id = "error-" + input.name;
    document.getElementById(id)?.remove();
    const others = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((word) => word && word !== id);
    if (texts.length > 0) {
      const box = element("div", "", ...texts.map(error));
      box.id = id;
      input.before(box);
      others.push(id);
    }
    if (texts.length > 0) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (others.length > 0) input.setAttribute("aria-describedby", others.join(" "));
    else input.removeAttribute("aria-describedby");
  };

  const show = (answer) => {
    const words = [];
    for (const [name, field] of Object.entries(answer.fields)) {
      const input = asking.elements.namedItem(name);
      if (!input) continue;
      if (field.fill && input.value === "") {
        input.value = field.fill;
        words.push("Address " + field.fill + " filled in.");
      }
      showErrors(input, field.problems);
      asking.querySelector(`[data-cautions="${CSS.escape(name)}"]`)?.replaceChildren(...field.cautions.map(caution));
      words.push(...field.problems, ...field.cautions);
    }
    if (answer.found) {
      const { row, mark, word, note } = answer.found;
      asking.querySelector(`[data-found="${CSS.escape(row)}"]`)?.replaceChildren(
        element("span", "state " + mark, icon(mark), " " + word), " ", element("span", "note", note));
      words.push(word + ".", note);
    }
    said.textContent = words.join(" ");
  };

  asking.addEventListener("change", async (event) => {
    const input = event.target;
    if (input.type !== "text") return;
    const row = input.name.replace(/[.](fqdn|address)$/, "");
    under.get(row)?.abort();
    const question = new AbortController();
    under.set(row, question);
    const asked = new URLSearchParams({ field: input.name });
    for (const field of asking.elements) {
      if (field.type === "text" && field.value.trim() !== "") asked.append(field.name, field.value);
    }
    for (const choice of asking.querySelectorAll("input[type=radio]:checked")) asked.append(choice.name, choice.value);
    try {
      const response = await fetch(asking.dataset.look + "?" + asked, { signal: question.signal });
      if (response.ok) show(await response.json());
    } catch {
      // Without an answer nothing is said; Next checks the field again.
    }
  });
}

// A page that follows what it shows is told of changes by the server. It then fetches itself again and takes over what
// differs; what does not stays the same element, with its focus, its ticks and what was typed into it.
const bar = document.querySelector("[data-stream]");
if (bar && window.EventSource) {
  const word = bar.querySelector("[data-live-word]");
  const time = bar.querySelector("[data-live-time]");
  let stream, timer, over = false, busy = false, again = false;

  const silent = "Not live, because the console does not answer. As of";
  const signedOut = "Not live: you were signed out. As of";
  const says = (text, at) => {
    word.textContent = text;
    if (at) time.textContent = at;
  };

  const key = (node) => node.id || node.dataset?.key || "";
  const alike = (a, b) => a.nodeName === b.nodeName && key(a) === key(b);

  // Whether a part is folded open is the reader's choice, not the server's.
  const takeAttributes = (old, fresh) => {
    for (const { name, value } of fresh.attributes) if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  };

  // dropFrom removes what stands between two siblings, the first of them included.
  const dropFrom = (at, end) => {
    while (at !== end) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    return end;
  };

  const take = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = fresh.nodeValue;
      return;
    }
    takeAttributes(old, fresh);
    let at = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      let found = at;
      while (found && !alike(found, child)) found = found.nextSibling;
      if (!found) {
        old.insertBefore(child, at);
        continue;
      }
      at = dropFrom(at, found);
      take(at, child);
      at = at.nextSibling;
    }
    dropFrom(at, null);
  };

  // A page from XMLHttpRequest comes parsed, without any of the ways by which text could become script.
  const fetchAgain = () => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = 15000;
    request.setRequestHeader("Isthmus-Refresh", "1");
    request.onload = () => done(request.response);
    request.onerror = request.ontimeout = failed;
    request.send();
  });

  // A page that fetches itself gets only the banner that lasts; what was just done stays told until the reader goes on.
  const plain = (banner) => banner.textContent.replace(/\s+/g, " ").trim();
  const takeBanner = (page) => {
    const lasting = page.querySelector("main > .banner[role=status]");
    const old = document.querySelector("main > .banner[role=status]");
    if (lasting && !old) document.querySelector("main").prepend(lasting);
    else if (lasting && !plain(old).includes(plain(lasting))) take(old, lasting);
    else if (!lasting && old && !old.classList.contains("up")) old.remove();
  };

  const follow = async () => {
    again = busy;
    if (busy) return;
    busy = true;
    try {
      const page = await fetchAgain();
      const its = page?.querySelector("[data-stream]");
      if (its) {
        for (const part of document.querySelectorAll("[data-live]")) {
          const fresh = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
          if (fresh) take(part, fresh);
        }
        takeBanner(page);
        const old = its.dataset.old !== undefined;
        says(old ? its.querySelector("[data-live-word]").textContent : "Live, as of", its.querySelector("[data-live-time]").textContent);
      } else {
        says(`Not live: ${page?.querySelector("h1")?.textContent ?? "the console answers with something else"}. As of`);
      }
    } catch {
      says(silent);
    }
    busy = false;
    if (again) follow();
  };

  // A browser keeps from scripts why a stream was refused, so the same is asked once more.
  const tellWhy = async () => {
    const question = new AbortController();
    let reason = silent;
    try {
      const answer = await fetch(bar.dataset.stream, { signal: question.signal });
      over = answer.redirected;
      if (over) reason = signedOut;
      else if (answer.status === 503) reason = `Not live: ${(await answer.text()).trim()} As of`;
      else reason = "Not live at this moment. As of";
    } catch {
      // The console does not answer.
    }
    question.abort(); // it may be a stream now
    if (!stream) says(reason); // else another one was opened meanwhile
  };

  const open = () => {
    clearTimeout(timer);
    if (stream || over || document.hidden) return;
    stream = new EventSource(bar.dataset.stream);
    stream.addEventListener("change", follow);
    stream.addEventListener("beat", (event) => { if (word.textContent.startsWith("Live")) time.textContent = event.data; });
    stream.addEventListener("ended", () => { over = true; close(); says(signedOut); });
    stream.addEventListener("error", () => {
      if (stream?.readyState === EventSource.CLOSED) { // refused, as when too many pages follow; else the browser tries again
        close();
        timer = setTimeout(open, 30000);
        tellWhy();
      } else {
        says(silent);
      }
    });
  };
  const close = () => {
    stream?.close();
    stream = undefined;
  };

  // A page that nobody sees holds no connection: browsers have few of them for one server.
  document.addEventListener("visibilitychange", () => { document.hidden ? close() : open(); });
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
}
