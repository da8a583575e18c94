import type { Answering, InCall, Leg, Placing } from "./leg.ts";

const RETRANSMITTED = ' retrans="500"';
/** Phones wait this long for what the scenario says comes next. */
const WAIT_MS_MAX = 120_000;
const MY_TAG = "[pid]lab[call_number]";
const CONTACT = "Contact: <sip:lab@[local_ip]:[local_port]>";
const REPLY = ["[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"];
const REPLY_TAGGED = ["[last_Via:]", "[last_From:]", `[last_To:];tag=${MY_TAG}`, "[last_Call-ID:]", "[last_CSeq:]"];
/** Everything with which a call can be refused. */
const REFUSALS = [400, 403, 404, 408, 410, 480, 484, 486, 487, 488, 500, 501, 502, 503, 504, 600, 603, 604];

/** The SIPp scenario of one leg. */
export function scenarioXml(leg: Leg): string {
  const body = leg.role === "answers" ? answering(leg) : placing(leg);
  return `<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="${leg.role}">
${body}
  <Reference variables="local,remote,cseq"/>
</scenario>
`;
}

function answering(leg: Answering): string {
  const ringMs = leg.final === "never" ? WAIT_MS_MAX : milliseconds(leg.ringSeconds);
  return [
    `  <recv request="INVITE" rrs="true"><action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="remote"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="local"/>
      <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
    </action></recv>`,
    send("SIP/2.0 180 Ringing", [...REPLY_TAGGED, CONTACT]),
    `  <recv request="CANCEL" timeout="${ringMs}" ontimeout="rang"/>`,
    send("SIP/2.0 200 OK", REPLY_TAGGED),
    send("SIP/2.0 487 Request Terminated", [...REPLY_TAGGED.slice(0, 4), "CSeq: [$cseq] INVITE"], "", RETRANSMITTED),
    `  <recv request="ACK" next="end"/>`,
    `  <label id="rang"/>`,
    ...afterRinging(leg),
    `  <label id="end"/>`,
    `  <nop/>`,
  ].join("\n");
}

function afterRinging({ final, talk }: Answering): string[] {
  if (final === "never") return [];
  if (final !== "answer") {
    const [line, extra] =
      "forward" in final
        ? ["302 Moved Temporarily", [`Contact: <sip:${final.forward}@127.0.0.1>`]]
        : [`${final.refuse} ${final.reason}`, []];
    return [send(`SIP/2.0 ${line}`, [...REPLY_TAGGED, ...extra], "", RETRANSMITTED), `  <recv request="ACK"/>`];
  }
  return [
    send("SIP/2.0 200 OK", [...REPLY_TAGGED, CONTACT], sdp("sendrecv"), RETRANSMITTED),
    `  <recv request="ACK"/>`,
    ...inCall(talk, `From: [$local];tag=${MY_TAG}`),
  ];
}

function placing(leg: Placing): string {
  const request = `${leg.to}@[remote_ip]:[remote_port]`;
  const from = `From: "${leg.name}" <sip:${leg.number}@[local_ip]:[local_port]>;tag=${MY_TAG}`;
  const via = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]";
  const head = [via, from, `To: <sip:${request}>`, "Call-ID: [call_id]", "CSeq: 1 INVITE", CONTACT];
  const patience = leg.cancelAfterSeconds;
  const waiting = patience === null ? "" : ` timeout="${milliseconds(patience)}" ontimeout="cancel"`;
  return [
    send(`INVITE sip:${request} SIP/2.0`, head, sdp("sendrecv")),
    ...[100, 180, 181, 183].map((code) => `  <recv response="${code}" optional="true"${waiting}/>`),
    ...REFUSALS.map((code) => `  <recv response="${code}" optional="true" next="refused"/>`),
    `  <recv response="200" rrs="true"${waiting}><action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="local"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="remote"/>
      <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
    </action></recv>`,
    send("ACK [next_url] SIP/2.0", [via, "[last_From:]", "[last_To:]", "[last_Call-ID:]", "CSeq: 1 ACK"]),
    ...inCall(leg.talk, "From: [$local]"),
    ...cancelling(request),
    `  <label id="refused"/>`,
    acknowledge(request),
    `  <label id="end"/>`,
    `  <nop/>`,
  ].join("\n");
}

function cancelling(request: string): string[] {
  const same = ["[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]"];
  return [
    `  <label id="cancel"/>`,
    send(`CANCEL sip:${request} SIP/2.0`, [...same, "CSeq: 1 CANCEL"]),
    `  <recv response="200"/>`,
    `  <recv response="487"/>`,
  ];
}

function acknowledge(request: string): string {
  return send(`ACK sip:${request} SIP/2.0`, [
    "[last_Via:]",
    "[last_From:]",
    "[last_To:]",
    "[last_Call-ID:]",
    "CSeq: 1 ACK",
  ]);
}

/** From the answer to the end; leaves by the label `end`. CSeq leaves room below for requests sent into the dialog. */
function inCall(steps: readonly InCall[], from: string): string[] {
  const out: string[] = [];
  let cseq = 5_000;
  for (const step of steps) {
    cseq += 10;
    const head = (method: string): string[] => [
      "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]",
      from,
      "To:[$remote]",
      "Call-ID: [call_id]",
      `CSeq: ${cseq} ${method}`,
      CONTACT,
    ];
    out.push(...inCallStep(step, head, cseq));
  }
  if (steps.at(-1)?.do === "bye") return [...out, `  <nop next="end"/>`];
  return [
    ...out,
    `  <recv request="BYE" timeout="${WAIT_MS_MAX}"/>`,
    `${send("SIP/2.0 200 OK", REPLY, "", ' next="end"')}`,
  ];
}

function inCallStep(step: InCall, head: (method: string) => string[], cseq: number): string[] {
  switch (step.do) {
    case "talk":
      return [`  <pause milliseconds="${milliseconds(step.seconds)}"/>`];
    case "digits":
      return [...step.digits].flatMap((digit, nth) => pressed(digit, head("INFO").with(4, `CSeq: ${cseq + nth} INFO`)));
    case "bye":
      return [send("BYE [next_url] SIP/2.0", head("BYE").slice(0, 5)), `  <recv response="200"/>`];
    default: {
      const direction = step.do === "hold" ? "sendonly" : "sendrecv";
      const ack = head("ACK").slice(0, 5);
      return [
        send("INVITE [next_url] SIP/2.0", head("INVITE"), sdp(direction)),
        `  <recv response="100" optional="true"/>`,
        `  <recv response="200"/>`,
        send("ACK [next_url] SIP/2.0", ack),
      ];
    }
  }
}

function pressed(digit: string, head: readonly string[]): string[] {
  const body = ["Content-Type: application/dtmf-relay", "Content-Length: [len]", "", `Signal=${digit}`, "Duration=160"];
  return [
    sendText(["INFO [next_url] SIP/2.0", ...head, ...body]),
    `  <recv response="200"/>`,
    `  <pause milliseconds="250"/>`,
  ];
}

/** Requests but ACK are repeated until they are answered, as over UDP they must be. */
function send(start: string, headers: readonly string[], body = "", attributes = ""): string {
  const rest =
    body === "" ? ["Content-Length: 0", "", ""] : ["Content-Type: application/sdp", "Content-Length: [len]", "", body];
  const repeated = /^(INVITE|BYE|CANCEL) /.test(start) ? RETRANSMITTED : "";
  return sendText([start, ...headers, ...rest], attributes + repeated);
}

function sendText(lines: readonly string[], attributes = ""): string {
  return `  <send${attributes}><![CDATA[\n${lines.join("\n")}\n]]></send>`;
}

function sdp(direction: string): string {
  return [
    "v=0",
    "o=lab 1 1 IN IP4 [local_ip]",
    "s=-",
    "c=IN IP4 [local_ip]",
    "t=0 0",
    "m=audio 4000 RTP/AVP 8 0",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:0 PCMU/8000",
    `a=${direction}`,
  ].join("\n");
}

function milliseconds(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1_000));
}
