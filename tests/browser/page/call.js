// A phone in a browser: registers, makes the calls it is told to make, and tells its server what it measured and heard.
import JsSIP from "jssip";

const post = (path, body) => fetch(path, { method: "POST", body });
const tell = (what, more = {}) => post("/told", JSON.stringify({ what, ...more }));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when `name` happens, rejects when it does not in time or one of `bad` happens first. */
function happens(emitter, name, ms, bad = []) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${name} did not come within ${ms} ms`)), ms);
    emitter.on(name, resolve);
    for (const other of bad) {
      emitter.on(other, (e) => reject(new Error(`${other}: ${e.cause ?? ""} ${e.response?.status_code ?? ""}`)));
    }
  });
}

/** Everything that is heard of `stream`, until it is stopped: the samples as 16-bit integers. */
async function listen(context, stream) {
  // The browser decodes only what is played.
  const audio = new Audio();
  audio.srcObject = stream;
  audio.muted = true;
  await audio.play();
  const source = context.createMediaStreamSource(stream);
  const ear = new AudioWorkletNode(context, "ear", { numberOfInputs: 1, numberOfOutputs: 1 });
  const pieces = [];
  ear.port.onmessage = (e) => pieces.push(e.data);
  source.connect(ear);
  ear.connect(context.destination);
  return () => {
    source.disconnect();
    ear.disconnect();
    return new Blob(pieces);
  };
}

/** Runs beside the sound: hands over what it hears, a tenth of a second at a time, and is silent itself. */
const EAR = `registerProcessor("ear", class extends AudioWorkletProcessor {
  heard = [];
  process([[samples]]) {
    for (const s of samples ?? new Float32Array(128)) this.heard.push(Math.max(-32768, Math.min(32767, s * 32768)));
    if (this.heard.length >= sampleRate / 10) this.port.postMessage(Int16Array.from(this.heard.splice(0)));
    return true;
  }
})`;

/** What the browser says of the connection. */
async function measure(connection) {
  const all = new Map();
  for (const [id, entry] of await connection.getStats()) all.set(id, entry);
  const of = (type) => [...all.values()].filter((entry) => entry.type === type);
  const [transport] = of("transport");
  const pair = all.get(transport?.selectedCandidatePairId);
  const [received] = of("inbound-rtp");
  const [sent] = of("outbound-rtp");
  const [reported] = of("remote-inbound-rtp");
  const [reports] = of("remote-outbound-rtp");
  return {
    transport,
    pair,
    near: all.get(pair?.localCandidateId),
    far: all.get(pair?.remoteCandidateId),
    received,
    sent,
    reported,
    reports,
    codec: all.get(received?.codecId),
    codecSent: all.get(sent?.codecId),
  };
}

const OPTIONS = {
  mediaConstraints: { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: false },
  pcConfig: { iceServers: [] },
};

/** One call from its first sound to its end. `begin` answers it, where we are called. */
async function talk(session, context, plan, number, begin = () => {}) {
  session.on("sdp", (e) => {
    if (!plan.trickle) e.sdp = e.sdp.replace(/^a=ice-options:.*\r\n/gm, "");
    tell("sdp", { number, by: e.originator, type: e.type, sdp: e.sdp });
  });
  let stop;
  const heard = new Promise((resolve) => {
    const attach = (connection) =>
      connection.addEventListener("track", async (e) => {
        stop = await listen(context, e.streams[0] ?? new MediaStream([e.track]));
        resolve();
      });
    if (session.connection) attach(session.connection);
    else session.on("peerconnection", (e) => attach(e.peerconnection));
  });
  const ended = happens(session, "ended", 60000, ["failed"]);
  ended.catch(() => {});
  const confirmed = happens(session, "confirmed", 20000, ["failed", "ended"]);
  begin();
  await confirmed;
  await heard;
  await wait(plan.talk);
  const stats = await measure(session.connection);
  if (plan.hangUp) session.terminate();
  const end = await ended;
  await post(`/heard?${number}&${context.sampleRate}`, await stop());
  await tell("call", { number, stats, by: end.originator, cause: end.cause });
}

/** Waits for a call and takes it. */
async function take(agent, context, plan, number) {
  const called = happens(agent, "newRTCSession", 20000);
  await tell("waiting");
  const { session } = await called;
  await talk(session, context, plan, number, () => session.answer(OPTIONS));
}

async function main() {
  const setup = await (await fetch("/setup")).json();
  const context = new AudioContext({ sampleRate: 48000 });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([EAR], { type: "text/javascript" })));
  await context.resume();
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(setup.server)],
    uri: setup.uri,
    password: setup.password,
    register: true,
  });
  const registered = happens(agent, "registered", 20000, ["registrationFailed"]);
  agent.start();
  const answer = await registered;
  await tell("registered", { status: answer.response.status_code, contact: answer.response.getHeader("Contact") });
  let number = 0;
  for (const plan of setup.calls) {
    number += 1;
    if (plan.called) await take(agent, context, plan, number);
    else await talk(agent.call(setup.target, OPTIONS), context, plan, number);
  }
  const gone = happens(agent, "unregistered", 20000);
  agent.unregister();
  await gone;
  agent.stop();
  await tell("done");
}

main().catch((error) => tell("failed", { why: String(error.stack ?? error) }));
