"use strict";
// The token comes in the fragment, which no server is sent: it is asked for with a header, and leaves the address bar.
const mark = location.hash.match(/^#token=(.+)$/);
if (mark) {
  sessionStorage.setItem("token", decodeURIComponent(mark[1]));
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem("token") || "";

const state = (text, bad) => {
  const place = document.getElementById("state");
  place.textContent = text;
  place.className = bad ? "bad" : "";
};

// Whatever others have sent is text, and nothing else.
const cells = (row, texts) => {
  for (const text of texts) row.insertCell().textContent = text ?? "—";
};

const fill = (id, list, line) => {
  const body = document.createElement("tbody");
  for (const one of list) cells(body.insertRow(), line(one));
  document.querySelector(`#${id} tbody`).replaceWith(body);
};

const seconds = (count) => (count == null ? null : `${Math.round(count)} s`);
const millis = (count) => (count == null ? null : `${Math.round(count)} ms`);

const counts = (view) => {
  const all = view.answered + view.unanswered;
  const place = document.getElementById("counts");
  place.replaceChildren();
  for (const [name, value] of [
    ["Registered", view.registered],
    ["Calls up", view.calls_up],
    ["Answered", all ? `${Math.round((100 * view.answered) / all)} % of ${all}` : "—"],
    ["Set-up", millis(view.setup_ms) ?? "—"],
  ]) {
    const pair = document.createElement("div");
    pair.append(document.createElement("dt"), document.createElement("dd"));
    pair.children[0].textContent = name;
    pair.children[1].textContent = value;
    place.append(pair);
  }
};

const show = (view) => {
  counts(view);
  fill("registrations", view.registrations, (one) => [
    one.name, one.via, one.status, one.places.join(", "), seconds(one.seconds_left),
  ]);
  fill("calls", view.calls, (one) => [
    one.caller, one.callee, one.state, one.route?.join(" → "), seconds(one.seconds), millis(one.setup_ms),
    one.media ? `${one.media.packets} packets, silent for ${one.media.silent_ms} ms` : null,
  ]);
};

const refresh = async () => {
  try {
    const answer = await fetch("/view.json", { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
    if (answer.status === 401) return state("open this page with #token=… behind its address", true);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    state(`as of ${new Date().toLocaleTimeString()}`, false);
  } catch (error) {
    state(`not answered: ${error.message}`, true);
  }
  setTimeout(refresh, 1000);
};
refresh();
