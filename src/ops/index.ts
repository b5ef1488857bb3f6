export { ensureCertificate } from './certificate.ts';
export type { Reload, ReloadReport } from './reload-route.ts';
export type { OpsViews, RegistrationView } from './routes.ts';
export { type Ops, type OpsOptions, startOps } from './server.ts';
export type { SipUpstream } from './sip-front.ts';
export { TlsFileSet, type TlsFiles, type TlsTexts } from './tls-files.ts';
export type { ServeForms } from './twilio-routes.ts';
export { loadWebFiles } from './web-files.ts';
