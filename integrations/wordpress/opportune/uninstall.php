<?php
/**
 * Leaves nothing behind but what stands on the orders.
 *
 * @package Opportune
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

delete_option( 'opportune' );
delete_option( 'opportune_down' );
