/*
 * The one call node has no words for: a datagram to systemd's socket (sd_notify's protocol). notify(text) tells whether it
 * was sent; without NOTIFY_SOCKET, or when nobody takes it, it was not. No library but libc and Node-API.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_BYTES_MAX 1024

static int tell(const char *path, const char *text, size_t length)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t bytes = strlen(path);
    if (bytes < 2 || bytes >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return 0;
    memcpy(address.sun_path, path, bytes);
    /* An abstract name begins with a zero instead of @. */
    if (path[0] == '@') address.sun_path[0] = 0;
    int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return 0;
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + bytes;
    ssize_t sent = sendto(socket_, text, length, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size);
    close(socket_);
    return sent == (ssize_t)length;
}

static napi_value notify(napi_env env, napi_callback_info info)
{
    napi_value argument, result;
    size_t count = 1, length = 0;
    char text[TEXT_BYTES_MAX];
    const char *path = getenv("NOTIFY_SOCKET");
    int sent = path != NULL && napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok && count == 1 &&
               napi_get_value_string_utf8(env, argument, text, sizeof text, &length) == napi_ok && tell(path, text, length);
    return napi_get_boolean(env, sent, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT()
{
    napi_value function;
    if (napi_create_function(env, "notify", NAPI_AUTO_LENGTH, notify, NULL, &function) != napi_ok) return NULL;
    return napi_set_named_property(env, exports, "notify", function) == napi_ok ? exports : NULL;
}
