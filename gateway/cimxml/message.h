#ifndef GATEWAY_CIMXML_MESSAGE_H
#define GATEWAY_CIMXML_MESSAGE_H

#include "gateway/cimxml/cimxml.h"

/* What a body says, before anybody compares it. */
struct message {
    int status; /* 0: it is good */
    const char *error, *problem;

    bool intrinsic;
    char method[CIMXML_NAME_MAX + 1];
    char namespace[NAMESPACE_PATH_MAX + 1]; /* joined by '/' */
    char class_name[CIMXML_NAME_MAX + 1];   /* of an extrinsic method */
};

void message_read(struct span body, struct message *out);

#endif
