// libopus for Node.js, by plain Node-API: encoders and decoders of one channel and 16 bits. It writes into memory that the
// caller owns and keeps nothing outside of its codecs, so any number of threads may load it and end at any time.
//
//   api                                              version of this interface
//   version()                                        what libopus calls itself
//   createEncoder(rateHz, bitrate, complexity, dtx)  a codec; throws for what libopus refuses
//   encode(encoder, Int16Array, Uint8Array)          bytes written, or libopus's error (negative)
//   setEncoder(encoder, bitrate, lossPercent)        redundancy (in-band FEC) is on when the loss is above 0
//   createDecoder(rateHz)
//   decode(decoder, Uint8Array | undefined, useFec, samples, Int16Array)   samples written, or libopus's error
//   close(codec)                                     at once, instead of when it is collected; more than once is fine
#include <node_api.h>
#include <opus/opus.h>
#include <stdint.h>
#include <stdlib.h>

#define API 1
/** So that what is no codec of ours, or one of the other kind, is not taken for one. */
#define ENCODER 0x56454e43u
#define DECODER 0x56444543u

typedef struct {
  uint32_t kind;
  void *state;
} codec;

static napi_value fail(napi_env env, const char *text) {
  napi_throw_type_error(env, NULL, text);
  return NULL;
}

static napi_value refuse(napi_env env, int error) {
  napi_throw_error(env, NULL, opus_strerror(error));
  return NULL;
}

static napi_value number(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

/** Exactly `count` arguments, those that are missing as undefined. */
static bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out) {
  size_t given = count;
  return napi_get_cb_info(env, info, &given, out, NULL, NULL) == napi_ok;
}

static void destroy(codec *it) {
  if (it->state == NULL) return;
  if (it->kind == ENCODER) opus_encoder_destroy(it->state);
  else opus_decoder_destroy(it->state);
  it->state = NULL;
}

static void collect(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  destroy(data);
  free(data);
}

static napi_value wrap(napi_env env, uint32_t kind, void *state) {
  codec *it = malloc(sizeof *it);
  napi_value result = NULL;
  if (it != NULL) {
    it->kind = kind;
    it->state = state;
    if (napi_create_external(env, it, collect, NULL, &result) == napi_ok) return result;
  }
  if (kind == ENCODER) opus_encoder_destroy(state);
  else opus_decoder_destroy(state);
  free(it);
  return refuse(env, OPUS_ALLOC_FAIL);
}

/** NULL: not an external value of ours. */
static codec *unwrap(napi_env env, napi_value value) {
  napi_valuetype type;
  void *data = NULL;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  return napi_get_value_external(env, value, &data) == napi_ok ? data : NULL;
}

/** NULL: another kind of codec, a closed one, or none. */
static void *state_of(napi_env env, napi_value value, uint32_t kind) {
  codec *it = unwrap(env, value);
  return it != NULL && it->kind == kind ? it->state : NULL;
}

/** The elements of a typed array of this type; false when it is something else. */
static bool elements(napi_env env, napi_value value, napi_typedarray_type wanted, void **data, size_t *length) {
  bool is_typed = false;
  napi_typedarray_type type;
  if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return false;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok && type == wanted;
}

static napi_value version(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result = NULL;
  napi_create_string_utf8(env, opus_get_version_string(), NAPI_AUTO_LENGTH, &result);
  return result;
}

static napi_value create_encoder(napi_env env, napi_callback_info info) {
  napi_value args[4];
  int32_t rate = 0, bitrate = 0, complexity = 0;
  bool dtx = false;
  if (!arguments(env, info, 4, args) || napi_get_value_int32(env, args[0], &rate) != napi_ok ||
      napi_get_value_int32(env, args[1], &bitrate) != napi_ok ||
      napi_get_value_int32(env, args[2], &complexity) != napi_ok ||
      napi_get_value_bool(env, args[3], &dtx) != napi_ok)
    return fail(env, "createEncoder(rateHz, bitrate, complexity, dtx)");
  int error = OPUS_OK;
  OpusEncoder *encoder = opus_encoder_create(rate, 1, OPUS_APPLICATION_VOIP, &error);
  if (error != OPUS_OK) return refuse(env, error);
  error = opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate));
  if (error == OPUS_OK) error = opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
  if (error == OPUS_OK) error = opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  if (error == OPUS_OK) error = opus_encoder_ctl(encoder, OPUS_SET_DTX(dtx ? 1 : 0));
  if (error == OPUS_OK) return wrap(env, ENCODER, encoder);
  opus_encoder_destroy(encoder);
  return refuse(env, error);
}

static napi_value encode(napi_env env, napi_callback_info info) {
  napi_value args[3];
  void *pcm = NULL, *out = NULL;
  size_t samples = 0, room = 0;
  if (!arguments(env, info, 3, args)) return NULL;
  OpusEncoder *encoder = state_of(env, args[0], ENCODER);
  if (encoder == NULL || !elements(env, args[1], napi_int16_array, &pcm, &samples) ||
      !elements(env, args[2], napi_uint8_array, &out, &room))
    return fail(env, "encode(encoder, Int16Array, Uint8Array)");
  if (samples > INT32_MAX || room > INT32_MAX) return number(env, OPUS_BAD_ARG);
  return number(env, opus_encode(encoder, pcm, (int)samples, out, (opus_int32)room));
}

static napi_value set_encoder(napi_env env, napi_callback_info info) {
  napi_value args[3];
  int32_t bitrate = 0, loss = 0;
  if (!arguments(env, info, 3, args)) return NULL;
  OpusEncoder *encoder = state_of(env, args[0], ENCODER);
  if (encoder == NULL || napi_get_value_int32(env, args[1], &bitrate) != napi_ok ||
      napi_get_value_int32(env, args[2], &loss) != napi_ok)
    return fail(env, "setEncoder(encoder, bitrate, lossPercent)");
  int error = opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bitrate));
  if (error == OPUS_OK) error = opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(loss > 0 ? 1 : 0));
  if (error == OPUS_OK) error = opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(loss));
  return error == OPUS_OK ? NULL : refuse(env, error);
}

static napi_value create_decoder(napi_env env, napi_callback_info info) {
  napi_value args[1];
  int32_t rate = 0;
  if (!arguments(env, info, 1, args) || napi_get_value_int32(env, args[0], &rate) != napi_ok)
    return fail(env, "createDecoder(rateHz)");
  int error = OPUS_OK;
  OpusDecoder *decoder = opus_decoder_create(rate, 1, &error);
  return error == OPUS_OK ? wrap(env, DECODER, decoder) : refuse(env, error);
}

static napi_value decode(napi_env env, napi_callback_info info) {
  napi_value args[5];
  napi_valuetype type;
  void *payload = NULL, *out = NULL;
  size_t bytes = 0, room = 0;
  bool use_fec = false;
  int32_t samples = 0;
  if (!arguments(env, info, 5, args) || napi_typeof(env, args[1], &type) != napi_ok) return NULL;
  OpusDecoder *decoder = state_of(env, args[0], DECODER);
  if (decoder == NULL ||
      (type != napi_undefined && !elements(env, args[1], napi_uint8_array, &payload, &bytes)) ||
      napi_get_value_bool(env, args[2], &use_fec) != napi_ok ||
      napi_get_value_int32(env, args[3], &samples) != napi_ok ||
      !elements(env, args[4], napi_int16_array, &out, &room))
    return fail(env, "decode(decoder, Uint8Array | undefined, useFec, samples, Int16Array)");
  if (bytes > INT32_MAX || samples < 0 || (size_t)samples > room) return number(env, OPUS_BAD_ARG);
  // Without a payload libopus makes a frame up: an empty one must not be taken for that by its pointer.
  if (type != napi_undefined && bytes == 0) return number(env, OPUS_INVALID_PACKET);
  return number(env, opus_decode(decoder, payload, (opus_int32)bytes, out, samples, use_fec ? 1 : 0));
}

static napi_value close_codec(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  codec *it = unwrap(env, args[0]);
  if (it == NULL) return fail(env, "close(codec)");
  destroy(it);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"api", NULL, NULL, NULL, NULL, number(env, API), napi_enumerable, NULL},
      {"version", NULL, version, NULL, NULL, NULL, napi_enumerable, NULL},
      {"createEncoder", NULL, create_encoder, NULL, NULL, NULL, napi_enumerable, NULL},
      {"encode", NULL, encode, NULL, NULL, NULL, napi_enumerable, NULL},
      {"setEncoder", NULL, set_encoder, NULL, NULL, NULL, napi_enumerable, NULL},
      {"createDecoder", NULL, create_decoder, NULL, NULL, NULL, napi_enumerable, NULL},
      {"decode", NULL, decode, NULL, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, close_codec, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  return napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties) == napi_ok ? exports
                                                                                                           : NULL;
}
