// AES-128 counter mode, HMAC-SHA1 and AES-GCM for libsrtp 2, on OpenSSL.
//
// Debian's libsrtp 2 does its cryptography with NSS, which makes and destroys a
// context for every packet: under load that is a third of the worker's time.
// libsrtp 2 lets an application bring its own primitives, and takes them only if
// they pass the library's own test vectors. Everything else of SRTP (key
// derivation, replay protection, packet formats) stays with the library.
#ifndef GATEWAY_COMPAT_SRTP_OPENSSL_H
#define GATEWAY_COMPAT_SRTP_OPENSSL_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace srtp_openssl
{
	// --- AES-128 in counter mode (RFC 3711 section 4.1.1) -----------------------

	struct AesIcm
	{
		srtp_cipher_t cipher{};
		EVP_CIPHER_CTX* context{ nullptr };
		// The salt, followed by the 16 bits that count blocks.
		uint8_t offset[16]{};
	};

	inline constexpr std::size_t SaltLength = 14u;

	inline srtp_err_status_t AesDealloc(srtp_cipher_t* cipher)
	{
		auto* aes = static_cast<AesIcm*>(cipher->state);

		// Clears its copy of the key.
		EVP_CIPHER_CTX_free(aes->context);
		OPENSSL_cleanse(aes->offset, sizeof(aes->offset));

		delete aes;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t AesAlloc(srtp_cipher_t** cipher, int keyLen, int tagLen);

	inline srtp_err_status_t AesInit(void* state, const uint8_t* key)
	{
		auto* aes = static_cast<AesIcm*>(state);

		std::memset(aes->offset, 0, sizeof(aes->offset));
		std::memcpy(aes->offset, key + SRTP_AES_128_KEY_LEN, SaltLength);

		return EVP_EncryptInit_ex(aes->context, EVP_aes_128_ctr(), nullptr, key, nullptr) == 1
		         ? srtp_err_status_ok
		         : srtp_err_status_init_fail;
	}

	inline srtp_err_status_t AesSetIv(void* state, uint8_t* iv, srtp_cipher_direction_t /*direction*/)
	{
		auto* aes = static_cast<AesIcm*>(state);
		uint8_t counter[16];

		for (std::size_t i = 0; i < sizeof(counter); ++i)
		{
			counter[i] = aes->offset[i] ^ iv[i];
		}

		return EVP_EncryptInit_ex(aes->context, nullptr, nullptr, nullptr, counter) == 1
		         ? srtp_err_status_ok
		         : srtp_err_status_cipher_fail;
	}

	// In counter mode decryption is the same.
	inline srtp_err_status_t AesCrypt(void* state, uint8_t* buffer, unsigned int* length)
	{
		auto* aes = static_cast<AesIcm*>(state);
		int done  = 0;

		if (EVP_EncryptUpdate(aes->context, buffer, &done, buffer, static_cast<int>(*length)) != 1)
		{
			return srtp_err_status_cipher_fail;
		}

		*length = static_cast<unsigned int>(done);

		return srtp_err_status_ok;
	}

	inline const srtp_cipher_type_t* AesType(const srtp_cipher_test_case_t* tests)
	{
		static const srtp_cipher_type_t type{
			.alloc       = AesAlloc,
			.dealloc     = AesDealloc,
			.init        = AesInit,
			.set_aad     = nullptr,
			.encrypt     = AesCrypt,
			.decrypt     = AesCrypt,
			.set_iv      = AesSetIv,
			.get_tag     = nullptr,
			.description = "AES-128 counter mode using OpenSSL",
			.test_data   = tests,
			.id          = SRTP_AES_ICM_128,
		};

		return &type;
	}

	inline srtp_err_status_t AesAlloc(srtp_cipher_t** cipher, int keyLen, int /*tagLen*/)
	{
		if (keyLen != SRTP_AES_ICM_128_KEY_LEN_WSALT)
		{
			return srtp_err_status_bad_param;
		}

		auto* aes = new (std::nothrow) AesIcm();

		if (!aes)
		{
			return srtp_err_status_alloc_fail;
		}

		aes->context = EVP_CIPHER_CTX_new();

		if (!aes->context)
		{
			delete aes;

			return srtp_err_status_alloc_fail;
		}

		aes->cipher.type      = AesType(nullptr);
		aes->cipher.state     = aes;
		aes->cipher.key_len   = keyLen;
		aes->cipher.algorithm = SRTP_AES_ICM_128;

		*cipher = &aes->cipher;

		return srtp_err_status_ok;
	}

	// --- AES-GCM (RFC 7714) ---------------------------------------------------------

	struct AesGcm
	{
		srtp_cipher_t cipher{};
		EVP_CIPHER_CTX* context{ nullptr };
		int tagLen{ 0 };
	};

	// The AEAD form has 12 octets of salt, which the library itself applies.
	inline constexpr int Gcm128KeyLength = SRTP_AES_GCM_128_KEY_LEN_WSALT;
	inline constexpr int Gcm256KeyLength = SRTP_AES_GCM_256_KEY_LEN_WSALT;

	inline srtp_err_status_t GcmDealloc(srtp_cipher_t* cipher)
	{
		auto* gcm = static_cast<AesGcm*>(cipher->state);

		EVP_CIPHER_CTX_free(gcm->context);

		delete gcm;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t GcmAlloc(srtp_cipher_t** cipher, int keyLen, int tagLen);

	inline srtp_err_status_t GcmInit(void* state, const uint8_t* key)
	{
		auto* gcm        = static_cast<AesGcm*>(state);
		const auto* type = gcm->cipher.key_len == Gcm256KeyLength ? EVP_aes_256_gcm() : EVP_aes_128_gcm();

		return EVP_CipherInit_ex(gcm->context, type, nullptr, key, nullptr, 0) == 1 ? srtp_err_status_ok
		                                                                             : srtp_err_status_init_fail;
	}

	inline srtp_err_status_t GcmSetIv(void* state, uint8_t* iv, srtp_cipher_direction_t direction)
	{
		auto* gcm = static_cast<AesGcm*>(state);

		if (direction != srtp_direction_encrypt && direction != srtp_direction_decrypt)
		{
			return srtp_err_status_bad_param;
		}

		const int encrypts = direction == srtp_direction_encrypt ? 1 : 0;

		return EVP_CipherInit_ex(gcm->context, nullptr, nullptr, nullptr, iv, encrypts) == 1
		         ? srtp_err_status_ok
		         : srtp_err_status_init_fail;
	}

	inline srtp_err_status_t GcmSetAad(void* state, const uint8_t* aad, uint32_t length)
	{
		auto* gcm = static_cast<AesGcm*>(state);
		int done  = 0;

		return EVP_CipherUpdate(gcm->context, nullptr, &done, aad, static_cast<int>(length)) == 1
		         ? srtp_err_status_ok
		         : srtp_err_status_algo_fail;
	}

	inline srtp_err_status_t GcmEncrypt(void* state, uint8_t* buffer, unsigned int* length)
	{
		auto* gcm = static_cast<AesGcm*>(state);
		int done  = 0;

		if (
		  *length > 0u &&
		  EVP_CipherUpdate(gcm->context, buffer, &done, buffer, static_cast<int>(*length)) != 1)
		{
			return srtp_err_status_cipher_fail;
		}

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t GcmGetTag(void* state, uint8_t* tag, uint32_t* length)
	{
		auto* gcm = static_cast<AesGcm*>(state);
		uint8_t rest[16];
		int done = 0;

		if (
		  EVP_CipherFinal_ex(gcm->context, rest, &done) != 1 ||
		  EVP_CIPHER_CTX_ctrl(gcm->context, EVP_CTRL_GCM_GET_TAG, gcm->tagLen, tag) != 1)
		{
			return srtp_err_status_algo_fail;
		}

		*length = static_cast<uint32_t>(gcm->tagLen);

		return srtp_err_status_ok;
	}

	// The tag follows the text. Nothing of the text may be used if it is wrong: the
	// library drops the packet on any status but ok.
	inline srtp_err_status_t GcmDecrypt(void* state, uint8_t* buffer, unsigned int* length)
	{
		auto* gcm = static_cast<AesGcm*>(state);
		uint8_t rest[16];
		int done = 0;

		if (*length < static_cast<unsigned int>(gcm->tagLen))
		{
			return srtp_err_status_bad_param;
		}

		const int text = static_cast<int>(*length) - gcm->tagLen;

		if (EVP_CIPHER_CTX_ctrl(gcm->context, EVP_CTRL_GCM_SET_TAG, gcm->tagLen, buffer + text) != 1)
		{
			return srtp_err_status_auth_fail;
		}

		if (text > 0 && EVP_CipherUpdate(gcm->context, buffer, &done, buffer, text) != 1)
		{
			return srtp_err_status_cipher_fail;
		}

		if (EVP_CipherFinal_ex(gcm->context, rest, &done) != 1)
		{
			return srtp_err_status_auth_fail;
		}

		*length = static_cast<unsigned int>(text);

		return srtp_err_status_ok;
	}

	inline srtp_cipher_type_t GcmTypeOf(srtp_cipher_type_id_t id, const srtp_cipher_test_case_t* tests)
	{
		return { .alloc       = GcmAlloc,
			       .dealloc     = GcmDealloc,
			       .init        = GcmInit,
			       .set_aad     = GcmSetAad,
			       .encrypt     = GcmEncrypt,
			       .decrypt     = GcmDecrypt,
			       .set_iv      = GcmSetIv,
			       .get_tag     = GcmGetTag,
			       .description = "AES-GCM using OpenSSL",
			       .test_data   = tests,
			       .id          = id };
	}

	inline const srtp_cipher_type_t* Gcm128Type(const srtp_cipher_test_case_t* tests)
	{
		static const srtp_cipher_type_t type = GcmTypeOf(SRTP_AES_GCM_128, tests);

		return &type;
	}

	inline const srtp_cipher_type_t* Gcm256Type(const srtp_cipher_test_case_t* tests)
	{
		static const srtp_cipher_type_t type = GcmTypeOf(SRTP_AES_GCM_256, tests);

		return &type;
	}

	inline srtp_err_status_t GcmAlloc(srtp_cipher_t** cipher, int keyLen, int tagLen)
	{
		if ((keyLen != Gcm128KeyLength && keyLen != Gcm256KeyLength) || (tagLen != 16 && tagLen != 8))
		{
			return srtp_err_status_bad_param;
		}

		auto* gcm = new (std::nothrow) AesGcm();

		if (!gcm)
		{
			return srtp_err_status_alloc_fail;
		}

		gcm->context = EVP_CIPHER_CTX_new();

		if (!gcm->context)
		{
			delete gcm;

			return srtp_err_status_alloc_fail;
		}

		const bool is256 = keyLen == Gcm256KeyLength;

		gcm->tagLen           = tagLen;
		gcm->cipher.type      = is256 ? Gcm256Type(nullptr) : Gcm128Type(nullptr);
		gcm->cipher.state     = gcm;
		gcm->cipher.key_len   = keyLen;
		gcm->cipher.algorithm = is256 ? SRTP_AES_GCM_256 : SRTP_AES_GCM_128;

		*cipher = &gcm->cipher;

		return srtp_err_status_ok;
	}

	// --- HMAC-SHA1 (RFC 2104) -----------------------------------------------------

#pragma GCC diagnostic push
	// OpenSSL 3 would rather have EVP, which allocates where a struct is copied here.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

	struct HmacSha1
	{
		srtp_auth_t auth{};
		// SHA-1 after the padded key, for the inner and the outer hash.
		SHA_CTX inner{};
		SHA_CTX outer{};
		SHA_CTX running{};
	};

	inline srtp_err_status_t HmacDealloc(srtp_auth_t* auth)
	{
		auto* hmac = static_cast<HmacSha1*>(auth->state);

		OPENSSL_cleanse(hmac, sizeof(*hmac));

		delete hmac;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t HmacAlloc(srtp_auth_t** auth, int keyLen, int outLen);

	inline srtp_err_status_t HmacInit(void* state, const uint8_t* key, int keyLen)
	{
		auto* hmac = static_cast<HmacSha1*>(state);
		uint8_t pad[SHA_CBLOCK];

		if (keyLen < 0 || keyLen > SHA_DIGEST_LENGTH)
		{
			return srtp_err_status_bad_param;
		}

		std::memset(pad, 0x36, sizeof(pad));

		for (int i = 0; i < keyLen; ++i)
		{
			pad[i] ^= key[i];
		}

		SHA1_Init(&hmac->inner);
		SHA1_Update(&hmac->inner, pad, sizeof(pad));

		for (uint8_t& byte : pad)
		{
			byte ^= 0x36 ^ 0x5c;
		}

		SHA1_Init(&hmac->outer);
		SHA1_Update(&hmac->outer, pad, sizeof(pad));
		OPENSSL_cleanse(pad, sizeof(pad));

		hmac->running = hmac->inner;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t HmacStart(void* state)
	{
		auto* hmac = static_cast<HmacSha1*>(state);

		hmac->running = hmac->inner;

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t HmacUpdate(void* state, const uint8_t* message, int length)
	{
		auto* hmac = static_cast<HmacSha1*>(state);

		SHA1_Update(&hmac->running, message, static_cast<std::size_t>(length));

		return srtp_err_status_ok;
	}

	inline srtp_err_status_t HmacCompute(
	  void* state, const uint8_t* message, int length, int tagLen, uint8_t* tag)
	{
		auto* hmac = static_cast<HmacSha1*>(state);
		uint8_t digest[SHA_DIGEST_LENGTH];

		if (tagLen < 0 || tagLen > SHA_DIGEST_LENGTH)
		{
			return srtp_err_status_bad_param;
		}

		SHA1_Update(&hmac->running, message, static_cast<std::size_t>(length));
		SHA1_Final(digest, &hmac->running);

		SHA_CTX outer = hmac->outer;

		SHA1_Update(&outer, digest, sizeof(digest));
		SHA1_Final(digest, &outer);
		std::memcpy(tag, digest, static_cast<std::size_t>(tagLen));

		return srtp_err_status_ok;
	}

#pragma GCC diagnostic pop

	inline const srtp_auth_type_t* HmacType(const srtp_auth_test_case_t* tests)
	{
		static const srtp_auth_type_t type{
			.alloc       = HmacAlloc,
			.dealloc     = HmacDealloc,
			.init        = HmacInit,
			.compute     = HmacCompute,
			.update      = HmacUpdate,
			.start       = HmacStart,
			.description = "HMAC-SHA1 using OpenSSL",
			.test_data   = tests,
			.id          = SRTP_HMAC_SHA1,
		};

		return &type;
	}

	inline srtp_err_status_t HmacAlloc(srtp_auth_t** auth, int keyLen, int outLen)
	{
		if (keyLen > SHA_DIGEST_LENGTH || outLen > SHA_DIGEST_LENGTH)
		{
			return srtp_err_status_bad_param;
		}

		auto* hmac = new (std::nothrow) HmacSha1();

		if (!hmac)
		{
			return srtp_err_status_alloc_fail;
		}

		hmac->auth.type       = HmacType(nullptr);
		hmac->auth.state      = hmac;
		hmac->auth.key_len    = keyLen;
		hmac->auth.out_len    = outLen;
		hmac->auth.prefix_len = 0;

		*auth = &hmac->auth;

		return srtp_err_status_ok;
	}

	// --- Test vectors ---------------------------------------------------------------

	// RFC 3711 appendix B.2: key, salt, and the first three blocks of key stream.
	inline constexpr uint8_t AesTestKey[SRTP_AES_ICM_128_KEY_LEN_WSALT]{
		0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
		0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd
	};
	inline uint8_t AesTestIv[16]{};
	inline constexpr uint8_t AesTestPlain[32]{};
	inline constexpr uint8_t AesTestCipher[32]{ 0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80,
		                                          0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
		                                          0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7,
		                                          0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab };

	// RFC 2202 section 3, test case 1.
	inline constexpr uint8_t HmacTestKey[20]{ 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
		                                        0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
		                                        0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b };
	inline constexpr uint8_t HmacTestData[8]{ 'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e' };
	inline constexpr uint8_t HmacTestTag[20]{ 0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72,
		                                        0x64, 0xe2, 0x8b, 0xc0, 0xb6, 0xfb, 0x37,
		                                        0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00 };

	// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16.
	// The key of the first is the beginning of that of the second; 12 octets of salt follow.
	inline constexpr uint8_t GcmTestKey[44]{
		0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83,
		0x08, 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30,
		0x83, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
	};
	inline uint8_t GcmTestIv[12]{ 0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
		                            0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88 };
	inline constexpr uint8_t GcmTestAad[20]{ 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe,
		                                       0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad,
		                                       0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2 };
	inline constexpr uint8_t GcmTestPlain[60]{
		0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26,
		0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31,
		0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49,
		0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39
	};
	// With the tag at the end.
	inline constexpr uint8_t Gcm128TestCipher[76]{
		0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4,
		0x9c, 0xe3, 0xaa, 0x21, 0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac,
		0xa1, 0x2e, 0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66, 0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac,
		0x84, 0xaa, 0x05, 0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d, 0x58, 0xe0, 0x91,
		0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a,
		0x47
	};
	inline constexpr uint8_t Gcm256TestCipher[76]{
		0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42,
		0x7d, 0x64, 0x3a, 0x8c, 0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55,
		0xd1, 0xaa, 0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56,
		0x82, 0x88, 0x38, 0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc, 0xc9, 0xf6, 0x62,
		0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55,
		0x1b
	};

	// Starts the library and gives it these primitives. One that fails a test vector
	// is an error: a worker without it would be slow, and nobody would know why.
	inline srtp_err_status_t Init()
	{
		srtp_err_status_t status = ::srtp_init();

		if (status != srtp_err_status_ok)
		{
			return status;
		}

		static const srtp_cipher_test_case_t aesTest{
			.key_length_octets        = sizeof(AesTestKey),
			.key                      = AesTestKey,
			.idx                      = AesTestIv,
			.plaintext_length_octets  = sizeof(AesTestPlain),
			.plaintext                = AesTestPlain,
			.ciphertext_length_octets = sizeof(AesTestCipher),
			.ciphertext               = AesTestCipher,
			.aad_length_octets        = 0,
			.aad                      = nullptr,
			.tag_length_octets        = 0,
			.next_test_case           = nullptr,
		};
		static const srtp_auth_test_case_t hmacTest{
			.key_length_octets  = sizeof(HmacTestKey),
			.key                = HmacTestKey,
			.data_length_octets = sizeof(HmacTestData),
			.data               = HmacTestData,
			.tag_length_octets  = sizeof(HmacTestTag),
			.tag                = HmacTestTag,
			.next_test_case     = nullptr,
		};

		const auto gcmTest = [](int keyLen, const uint8_t* ciphertext)
		{
			return srtp_cipher_test_case_t{
				.key_length_octets        = keyLen,
				.key                      = GcmTestKey,
				.idx                      = GcmTestIv,
				.plaintext_length_octets  = sizeof(GcmTestPlain),
				.plaintext                = GcmTestPlain,
				.ciphertext_length_octets = sizeof(Gcm128TestCipher),
				.ciphertext               = ciphertext,
				.aad_length_octets        = sizeof(GcmTestAad),
				.aad                      = GcmTestAad,
				.tag_length_octets        = 16,
				.next_test_case           = nullptr,
			};
		};
		static const srtp_cipher_test_case_t gcm128Test = gcmTest(Gcm128KeyLength, Gcm128TestCipher);
		static const srtp_cipher_test_case_t gcm256Test = gcmTest(Gcm256KeyLength, Gcm256TestCipher);

		const struct
		{
			const srtp_cipher_type_t* type;
			srtp_cipher_type_id_t id;
		} ciphers[]{ { AesType(&aesTest), SRTP_AES_ICM_128 },
			           { Gcm128Type(&gcm128Test), SRTP_AES_GCM_128 },
			           { Gcm256Type(&gcm256Test), SRTP_AES_GCM_256 } };

		for (const auto& cipher : ciphers)
		{
			status = srtp_replace_cipher_type(cipher.type, cipher.id);

			if (status != srtp_err_status_ok)
			{
				return status;
			}
		}

		return srtp_replace_auth_type(HmacType(&hmacTest), SRTP_HMAC_SHA1);
	}
} // namespace srtp_openssl

#endif
