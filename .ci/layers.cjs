// The module table: the single source of the dependency rule (README's table is generated from it).
// pure: no sockets, clocks, files or vendors beyond those listed; may run in a browser or a test without I/O.
module.exports = {
  kernel: { pure: true, about: 'words everyone shares: ids, Clock, Random, Logger, Scope, coded errors', imports: [] },
  'sip/message': {
    pure: true,
    about: 'parse and format SIP: URI, headers, digest, stream framing',
    imports: ['kernel'],
  },
  'sip/transaction': {
    pure: true,
    about: 'the four RFC 3261 transaction machines as step functions',
    imports: ['kernel', 'sip/message'],
  },
  'sip/engine': {
    pure: true,
    about: 'matches messages to transactions and dialogs, answers wire commands',
    imports: ['kernel', 'sip/message', 'sip/transaction'],
  },
  'sip/net': {
    about: 'UDP, TCP, TLS and WebSocket listeners and connections; the only SIP sockets',
    imports: ['kernel', 'sip/message', 'sip/engine'],
    vendors: ['ws'],
  },
  'sip/wire': {
    about: "drachtio's wire protocol: codec and the server applications connect to",
    imports: ['kernel', 'sip/message', 'sip/engine'],
  },
  'sip/server': {
    about: 'the embedded SIP engine in its worker thread: net + engine + wire put together',
    imports: ['kernel', 'sip/message', 'sip/engine', 'sip/net', 'sip/wire'],
  },
  'sip/locate': {
    about: 'from a host or URI to the addresses behind it: NAPTR, SRV, A/AAAA (RFC 3263)',
    imports: ['kernel', 'sip/message'],
    vendors: ['dns-packet'],
  },
  sdp: { pure: true, about: 'SDP text ⇄ model; WebRTC SDP ⇄ SIP SDP; codec planner', imports: ['kernel', 'rtp'] },
  rtp: { pure: true, about: 'RTP/RTCP packets, SRTP, telephone-event, latching, splice', imports: ['kernel'] },
  audio: {
    pure: true,
    about: 'PCM: G.711, G.722, L16, Opus, concealment, tones, WAV',
    imports: ['kernel', 'rtp'],
    vendors: ['libopus-wasm'],
  },
  dialplan: { pure: true, about: 'rules → route decision', imports: ['kernel'], vendors: ['zod'] },
  fraud: {
    pure: true,
    about: 'the toll-fraud breaker: which calls to trunks may begin and when they must end',
    imports: ['kernel'],
  },
  calls: {
    pure: true,
    about: 'Call, Leg, Bridge as plain data with a step function; the ports they need',
    imports: ['kernel', 'sdp', 'dialplan'],
  },
  'signaling/protocol': {
    pure: true,
    about: 'messages between browsers and rooms: one schema for both sides',
    imports: ['kernel'],
    vendors: ['zod'],
  },
  rooms: {
    pure: true,
    about: 'Room, Participant, Publication as plain data with a step function; the media they need',
    imports: ['kernel', 'signaling/protocol'],
  },
  config: {
    about: 'schema → one frozen Config; loads sip-profiles/ and dialplans/',
    imports: ['kernel', 'dialplan'],
    vendors: ['zod', 'yaml'],
  },
  store: { about: 'Store: keyed state with expiry that survives a kill', imports: ['kernel'] },
  auth: {
    about: 'access tokens: keys, verification, minting, revocation',
    imports: ['kernel', 'store'],
    vendors: ['jose', 'zod'],
  },
  telephony: {
    about: 'the drachtio-srf application: registrar, auth, trunks, B2BUA',
    imports: ['kernel', 'sip/message', 'sip/locate', 'sdp', 'dialplan', 'fraud', 'calls', 'store'],
    vendors: ['drachtio-srf'],
  },
  'http-client': {
    about: 'questions to HTTP servers outside: bounded, and kept from private addresses',
    imports: ['kernel'],
  },
  hooks: {
    about: 'asks HTTP servers where a call goes, and tells them of calls: signed, bounded',
    imports: ['kernel', 'calls', 'dialplan', 'http-client'],
  },
  media: {
    about: 'SIP-side RTP edge (threads); mediasoup workers, routers, transports',
    imports: ['kernel', 'sdp', 'rtp', 'audio', 'calls', 'rooms', 'signaling/protocol'],
    vendors: ['mediasoup'],
  },
  agents: {
    about: 'AI agents behind sockets and built-in ones: sessions, and the protocols they speak',
    imports: ['kernel', 'audio', 'calls', 'http-client'],
    vendors: ['sax', 'ws', 'zod'],
  },
  signaling: {
    about: 'the WebSocket server of rooms: who may, what happens, who is told',
    imports: ['kernel', 'auth', 'rooms', 'signaling/protocol', 'store'],
    vendors: ['ws'],
  },
  telemetry: {
    about: 'logs, traces, metrics',
    imports: ['kernel', 'calls'],
    vendors: ['pino', 'pino-pretty', '@opentelemetry', 'prom-client'],
  },
  ops: {
    about: 'HTTP API, health, readiness, metrics; serves the web pages',
    imports: ['kernel', 'calls', 'store'],
    vendors: ['fastify', 'esbuild', 'selfsigned', 'zod'],
  },
  cli: { about: 'operator commands', imports: ['kernel', 'config', 'dialplan'], vendors: ['commander'] },
  gateway: {
    about: 'composition: builds the parts from the Config and joins their ports',
    imports: [
      'kernel',
      'agents',
      'auth',
      'calls',
      'cli',
      'config',
      'hooks',
      'media',
      'ops',
      'signaling',
      'sip/server',
      'store',
      'telemetry',
      'telephony',
    ],
  },
  'web/sdk': {
    about: 'rooms in a browser: join, publish, subscribe; keeps itself connected',
    imports: ['kernel', 'signaling/protocol'],
    vendors: ['mediasoup-client'],
  },
  'web/softphone': { about: 'the browser softphone', imports: ['kernel'], vendors: ['sip.js'] },
};
