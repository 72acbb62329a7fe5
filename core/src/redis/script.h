/* A script that runs in the server. Its text and hash are known at build time; the generator writes them from core/lua.
 */
#ifndef KW__SCRIPT_H
#define KW__SCRIPT_H

#include <stddef.h>

typedef struct kw__script {
    const char *name;
    const char *sha1;
    int keys;
    int args;
    size_t length;
    const char *text;
} kw__script;

#endif
