#include "engine/object.h"

#include "engine/client.h"

void kw__object_init(kw__object *object, kw_client *client, void (*destroy)(kw__object *object)) {
    atomic_init(&object->references, 1);
    object->client = client;
    object->destroy = destroy;
    if (&client->object != object) kw__object_hold(&client->object);
}

void kw__object_hold(kw__object *object) {
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

void kw__object_release(kw__object *object) {
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) != 1) return;
    kw_client *client = object->client;
    bool is_client = &client->object == object;
    object->destroy(object);
    if (!is_client) kw__object_release(&client->object);
}
