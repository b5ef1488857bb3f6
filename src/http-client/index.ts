export { askHttp, type HttpQuestion, type HttpReply } from './ask-http.ts';
export { isPublicAddress } from './public-address.ts';
