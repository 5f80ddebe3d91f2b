#!/bin/sh
# Makes the secrets of compose.yaml, in a new folder: deploy/make-secrets.sh [folder]
#
# Run it as root, or with RONDO_UID set to your own uid for both this and `docker compose`: our
# services run as RONDO_UID, and their secrets are readable to nobody else. The servers of others
# run as users of their own: what they need is readable to all who can enter the folder, its owner.
set -eu
umask 077
folder=${1:-secrets}
[ ! -e "$folder" ] || { echo "$folder exists; remove it or name another folder" >&2; exit 1; }
new=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$new"' EXIT
(
  cd "$new"
  random() { openssl rand -hex 32; }
  # The public half of an Ed25519 key as NATS writes that of an account: base32 of a first byte
  # (0: it begins with an A), the key and a CRC-16 of both.
  account_key() {
    crc=0
    bytes="0 $(openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | od -An -v -tu1 | tr -d '\n')"
    for byte in $bytes; do
      crc=$((crc ^ byte << 8))
      for _ in 1 2 3 4 5 6 7 8; do
        crc=$(((crc << 1 ^ (crc >> 15 & 1) * 0x1021) & 0xffff))
      done
    done
    for byte in $bytes $((crc & 255)) $((crc >> 8)); do
      printf "\\$(printf %03o "$byte")"
    done | base32 -w 0 | tr -d =
  }

  random > nats_token
  random > internal_token
  openssl rand -base64 18 > admin_password
  openssl genpkey -algorithm ed25519 -out signing_key.pem
  openssl genpkey -algorithm ed25519 -out task_key.pem
  openssl genpkey -algorithm ed25519 -out nats_issuer.pem
  printf '%s %s\n' "$(date -u +%Y%m%dT%H%M%SZ)" "$(openssl rand -base64 32)" > vault_key
  password=$(random)
  access=$(openssl rand -hex 10) secret=$(random)
  printf 'postgres:5432:rondo:rondo:%s\n' "$password" > pgpass
  printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
    "$access" "$secret" > aws_credentials
  chown "${RONDO_UID:-10001}" ./*

  umask 022
  printf '%s' "$password" > postgres_password
  printf 'RONDO_PASSWORD: "%s"\nRONDO_ISSUER: "%s"\n' "$(cat nats_token)" "$(account_key nats_issuer.pem)" \
    > nats_auth.conf
  # Without this key the S3 server lets anybody who reaches its gRPC port add identities.
  printf '[jwt.filer_signing]\nkey = "%s"\n' "$(random)" > s3_security.toml
  printf '{"identities": [{"name": "rondo", "credentials": [{"accessKey": "%s", "secretKey": "%s"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}\n' "$access" "$secret" \
    > s3_identities.json
)
mv "$new" "$folder"
trap - EXIT
echo "made $folder; the first administrator's password is in $folder/admin_password"
