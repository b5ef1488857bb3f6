// A page as JsSIP's own guide writes it.
import JsSIP from 'jssip';

const media = { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: false };
let agent;
let current;
const attach = (session) => {
  current = session;
  session.on('accepted', () => window.stock.events.push('answered'));
  session.on('ended', () => window.stock.events.push('ended'));
  session.on('failed', ({ cause }) => window.stock.events.push(`failed: ${cause}`));
  const listen = (connection) =>
    connection.addEventListener('track', ({ streams }) => {
      document.getElementById('remote-audio').srcObject = streams[0];
    });
  if (session.connection) listen(session.connection);
  else session.on('peerconnection', ({ peerconnection }) => listen(peerconnection));
};
window.stock = {
  register: ({ server, aor, password }) =>
    new Promise((resolve, reject) => {
      agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri: aor, password });
      agent.on('registered', () => {
        window.stock.events.push('registered');
        resolve();
      });
      agent.on('registrationFailed', ({ cause }) => reject(new Error(cause)));
      agent.on('newRTCSession', ({ originator, session }) => {
        if (originator !== 'remote') return;
        attach(session);
        session.answer({ mediaConstraints: media });
      });
      agent.start();
    }),
  call: (target) => attach(agent.call(target, { mediaConstraints: media })),
  hangUp: () => current.terminate(),
  events: [],
};
