/* A device's EST client on Mbed TLS and nothing else: enrolls with a token, or renews with the certificate that it has.
 *
 *   est-client HOST PORT ROOT.pem NAME NEW.key NEW.crt token TOKENFILE
 *   est-client HOST PORT ROOT.pem NAME NEW.key NEW.crt renew OLD.crt OLD.key
 */
#include <mbedtls/asn1.h>
#include <mbedtls/base64.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context rng;

static void check(const char *what, int code) {
  char words[200];
  if (code >= 0) return;
  mbedtls_strerror(code, words, sizeof words);
  fprintf(stderr, "%s: -0x%04x %s\n", what, (unsigned)-code, words);
  exit(1);
}

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void write_file(const char *path, const unsigned char *text, size_t length) {
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0) fail(path);
}

/* Makes a key, keeps it, and gives a certificate request for it in base64. */
static void make_request(const char *name, const char *key_file, mbedtls_pk_context *key, unsigned char *out, size_t size) {
  unsigned char buffer[4096];
  char subject[128];
  size_t written;
  mbedtls_x509write_csr csr;
  check("key", mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)));
  check("key", mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mbedtls_ctr_drbg_random, &rng));
  check("key", mbedtls_pk_write_key_pem(key, buffer, sizeof buffer));
  write_file(key_file, buffer, strlen((char *)buffer));

  snprintf(subject, sizeof subject, "CN=%s", name);
  mbedtls_x509write_csr_init(&csr);
  mbedtls_x509write_csr_set_key(&csr, key);
  mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
  check("subject", mbedtls_x509write_csr_set_subject_name(&csr, subject));
  int length = mbedtls_x509write_csr_der(&csr, buffer, sizeof buffer, mbedtls_ctr_drbg_random, &rng);
  check("request", length);
  /* It is written at the end of the buffer. */
  check("base64", mbedtls_base64_encode(out, size, &written, buffer + sizeof buffer - length, (size_t)length));
  mbedtls_x509write_csr_free(&csr);
}

/* The first certificate of a certs-only message: ContentInfo, [0], SignedData, version, digests, content, [0]. */
static void first_certificate(unsigned char *p, const unsigned char *end, mbedtls_x509_crt *certificate) {
  const int constructed = MBEDTLS_ASN1_CONSTRUCTED;
  const int sequence = constructed | MBEDTLS_ASN1_SEQUENCE;
  const int zero = constructed | MBEDTLS_ASN1_CONTEXT_SPECIFIC;
  size_t length;
  int version;
  check("ContentInfo", mbedtls_asn1_get_tag(&p, end, &length, sequence));
  check("type", mbedtls_asn1_get_tag(&p, end, &length, MBEDTLS_ASN1_OID));
  p += length;
  check("content", mbedtls_asn1_get_tag(&p, end, &length, zero));
  check("SignedData", mbedtls_asn1_get_tag(&p, end, &length, sequence));
  check("version", mbedtls_asn1_get_int(&p, end, &version));
  check("digests", mbedtls_asn1_get_tag(&p, end, &length, constructed | MBEDTLS_ASN1_SET));
  p += length;
  check("signed content", mbedtls_asn1_get_tag(&p, end, &length, sequence));
  p += length;
  check("certificates", mbedtls_asn1_get_tag(&p, end, &length, zero));
  unsigned char *start = p;
  check("certificate", mbedtls_asn1_get_tag(&p, end, &length, sequence));
  check("certificate", mbedtls_x509_crt_parse_der(certificate, start, (size_t)(p - start) + length));
}

int main(int argc, char **argv) {
  if (argc < 9) fail("HOST PORT ROOT NAME KEY CERTIFICATE token FILE | renew CERTIFICATE KEY");
  const char *host = argv[1];
  const int renew = strcmp(argv[7], "renew") == 0;
  unsigned char request[4096];
  unsigned char credentials[8192] = "";
  char message[16384];
  unsigned char answer[32768];
  size_t length = 0;
  mbedtls_pk_context key, old_key;
  mbedtls_x509_crt root, old, issued;
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  mbedtls_net_context net;

  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&rng);
  check("random", mbedtls_ctr_drbg_seed(&rng, mbedtls_entropy_func, &entropy, NULL, 0));
  mbedtls_pk_init(&key);
  mbedtls_pk_init(&old_key);
  mbedtls_x509_crt_init(&root);
  mbedtls_x509_crt_init(&old);
  mbedtls_x509_crt_init(&issued);
  mbedtls_ssl_init(&ssl);
  mbedtls_ssl_config_init(&config);
  mbedtls_net_init(&net);

  make_request(argv[4], argv[5], &key, request, sizeof request);
  check("root", mbedtls_x509_crt_parse_file(&root, argv[3]));
  check("config", mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT));
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&config, &root, NULL);
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &rng);
  if (renew) {
    if (argc < 10) fail("renew needs a certificate and its key");
    check("certificate", mbedtls_x509_crt_parse_file(&old, argv[8]));
    check("key", mbedtls_pk_parse_keyfile(&old_key, argv[9], NULL));
    check("config", mbedtls_ssl_conf_own_cert(&config, &old, &old_key));
  } else {
    char pair[6000] = "device:";
    FILE *file = fopen(argv[8], "rb");
    if (file == NULL) fail(argv[8]);
    size_t read = fread(pair + 7, 1, sizeof pair - 8, file);
    fclose(file);
    while (read > 0 && pair[6 + read] == '\n') read--;
    check("base64", mbedtls_base64_encode(credentials, sizeof credentials, &length, (unsigned char *)pair, 7 + read));
  }

  check("connect", mbedtls_net_connect(&net, host, argv[2], MBEDTLS_NET_PROTO_TCP));
  check("ssl", mbedtls_ssl_setup(&ssl, &config));
  check("host", mbedtls_ssl_set_hostname(&ssl, host));
  mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
  check("handshake", mbedtls_ssl_handshake(&ssl));

  int size = snprintf(message, sizeof message,
                      "POST /.well-known/est/device/%s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/pkcs10\r\n"
                      "%s%s%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                      renew ? "simplereenroll" : "simpleenroll", host, argv[2], renew ? "" : "Authorization: Basic ", credentials,
                      renew ? "" : "\r\n", strlen((char *)request), request);
  for (int sent = 0; sent < size;) {
    int count = mbedtls_ssl_write(&ssl, (unsigned char *)message + sent, (size_t)(size - sent));
    check("write", count);
    sent += count;
  }
  for (length = 0; length < sizeof answer - 1;) {
    int count = mbedtls_ssl_read(&ssl, answer + length, sizeof answer - 1 - length);
    if (count == 0 || count == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) break;
    check("read", count);
    length += (size_t)count;
  }
  answer[length] = 0;
  char *body = strstr((char *)answer, "\r\n\r\n");
  if (body == NULL || strncmp((char *)answer, "HTTP/1.1 200 ", 13) != 0) fail(body == NULL ? "no answer" : body + 4);
  body += 4;

  unsigned char decoded[16384];
  check("base64", mbedtls_base64_decode(decoded, sizeof decoded, &length, (unsigned char *)body, strlen(body)));
  first_certificate(decoded, decoded + length, &issued);
  check("the certificate is for another key", mbedtls_pk_check_pair(&issued.pk, &key));
  unsigned char pem[8192];
  check("PEM", mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", issued.raw.p, issued.raw.len, pem,
                                        sizeof pem, &length));
  write_file(argv[6], pem, strlen((char *)pem));
  return 0;
}
