export { askHttp, type HttpQuestion, type HttpReply, publicLookup, refusePrivate } from './ask-http.ts';
export { isPublicAddress } from './public-address.ts';
