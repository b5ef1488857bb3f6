// A page as SIP.js's own guide writes it: SimpleUser with its own session description handler, nothing of ours.
import { Web } from 'sip.js';

let user;
window.stock = {
  async register({ server, aor, name, password }) {
    user = new Web.SimpleUser(server, {
      aor,
      media: {
        constraints: {
          audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
          video: false,
        },
        remote: { audio: document.getElementById('remote-audio') },
      },
      userAgentOptions: { authorizationUsername: name, authorizationPassword: password, logLevel: 'error' },
      delegate: {
        onCallReceived: () => void user.answer(),
        onCallAnswered: () => window.stock.events.push('answered'),
        onCallHangup: () => window.stock.events.push('ended'),
        onRegistered: () => window.stock.events.push('registered'),
      },
    });
    await user.connect();
    await user.register();
  },
  call: (target) => user.call(target),
  hangUp: () => user.hangup(),
  hold: () => user.hold(),
  unhold: () => user.unhold(),
  // SimpleUser has no word for it: a re-INVITE with an offer that restarts ICE, which ends with its ACK.
  restartIce: () =>
    new Promise((resolve, reject) => {
      const { session } = user;
      session
        .invite({
          sessionDescriptionHandlerOptions: { offerOptions: { iceRestart: true } },
          requestDelegate: { onAccept: () => resolve(), onReject: () => reject(new Error('refused')) },
        })
        .catch(reject);
    }),
  events: [],
};
