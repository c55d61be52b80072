#ifndef GATEWAY_CONFIG_VALUES_H
#define GATEWAY_CONFIG_VALUES_H

#include "gateway/config/keys.h"

/* The parsers that rows of the key table name. */
key_parser value_text;       /* const char *; one pair of quotes is dropped */
key_parser value_path;       /* const char *; absolute */
key_parser value_bool;       /* bool; yes or no, true or false */
key_parser value_number;     /* unsigned, within the row's range */
key_parser value_rows;       /* size_t, within the row's range */
key_parser value_size;       /* size_t bytes; K, M or G may follow */
key_parser value_mode;       /* unsigned; octal */
key_parser value_workers;    /* unsigned; auto is the number of cores */
key_parser value_log_level;  /* const char * */
key_parser value_log_target; /* const char *; a path, stderr or off */

/* Of struct config, whole lists. */
key_parser value_acceptors;
key_parser value_realms;
key_parser value_operators;

/* Of struct config_listener. */
key_parser value_bind;
key_parser value_channel;
key_parser value_bindings;
key_parser value_evidence;
key_parser value_level;
key_parser value_local_users;
key_parser value_trusted_proxy;
key_parser value_priorities;

/* Of struct access_list and struct config_namespace. */
key_parser value_principals;
key_parser value_enforcement;
key_parser value_until;

/* Of struct config_callback. */
key_parser value_principal; /* const char *; a whole principal name */
key_parser value_sinks;
key_parser value_networks;
key_parser value_floor;

/* Of struct config_route. */
key_parser value_route_path;
key_parser value_route_hosts;
key_parser value_route_methods;
key_parser value_route_protocol;
key_parser value_route_namespace;
key_parser value_route_channel;
key_parser value_health_path;
key_parser value_health_status;
key_parser value_route_identity;
key_parser value_service; /* const char *; SERVICE@HOST, or with a realm */
key_parser value_upstreams;

struct value_list {
    size_t count;
    const char **items;
};

/* The parts between commas, trimmed; an empty one is an error. */
int value_split(struct arena *arena, const char *text, struct value_list *out,
                struct error *err);

/* The host of "host:port" or "[::1]:port", and what follows its colon: absent
 * without one. */
struct span value_cut_port(struct span text, struct span *port_out);
/* 1 to 65535 in the only way to write it; 0: it is none. */
uint16_t value_port(struct span text);

/* A user by name or number; -1 and an error when there is none. */
int value_user(const char *text, uint32_t *uid_out, struct error *err);

#endif
