<?php
/**
 * Plugin Name: Small shop
 * Stands in for WooCommerce: its functions and objects as far as they are used, and its hooks, fired as it does.
 */

class Small_Product {
	public function get_id() { return 93; }
	public function get_parent_id() { return 0; }
	public function get_sku() { return 'TS-93'; }
	public function get_name() { return 'Trail shoe'; }
	public function get_price() { return '30'; }
}

class Small_Item {
	public function get_product() { return new Small_Product(); }
	public function get_product_id() { return 93; }
	public function get_quantity() { return 2; }
	public function get_name() { return 'Trail shoe'; }
}

class Small_Refund {
	public function get_id() { return 731; }
	public function get_total() { return '-10.00'; }
	public function get_reason() { return 'too small'; }
	public function get_date_created() { return new DateTime(); }
}

/** Kept as an option. */
class Small_Order {
	private $kept;
	public function __construct() { $this->kept = get_option( 'small_order', array( 'number' => '2001', 'status' => 'pending', 'meta' => array(), 'refunds' => 0 ) ); }
	public function update_meta_data( $name, $value ) { $this->kept['meta'][ $name ] = $value; }
	public function get_meta( $name ) { return isset( $this->kept['meta'][ $name ] ) ? $this->kept['meta'][ $name ] : ''; }
	public function save() { update_option( 'small_order', $this->kept ); }
	public function set( $name, $value ) { $this->kept[ $name ] = $value; $this->save(); }
	public function get_status() { return $this->kept['status']; }
	public function get_order_number() { return $this->kept['number']; }
	public function get_customer_id() { return 0; }
	public function get_billing_email() { return 'Ben@Shop.test'; }
	public function get_billing_first_name() { return 'Ben'; }
	public function get_billing_last_name() { return ''; }
	public function get_billing_phone() { return ''; }
	public function get_billing_city() { return 'Bonn'; }
	public function get_billing_country() { return 'DE'; }
	public function get_billing_postcode() { return ''; }
	public function get_total() { return '69.00'; }
	public function get_shipping_total() { return '4.00'; }
	public function get_total_tax() { return '5.00'; }
	public function get_discount_total() { return '0'; }
	public function get_coupon_codes() { return array( 'welcome' ); }
	public function get_currency() { return 'EUR'; }
	public function get_items() { return array( 5 => new Small_Item() ); }
	public function get_item_total( $item, $with_tax, $rounded ) { return '30'; }
	public function get_refunds() { return $this->kept['refunds'] ? array( new Small_Refund() ) : array(); }
	public function get_date_created() { return new DateTime(); }
	public function get_date_modified() { return new DateTime(); }
}

function is_woocommerce() { return is_page( 'trail-shoe' ); }
function is_product() { return is_page( 'trail-shoe' ); }
function is_cart() { return false; }
function is_checkout() { return false; }
function is_account_page() { return false; }
function is_product_category() { return false; }
function is_product_tag() { return false; }
function is_shop() { return false; }
function get_woocommerce_currency() { return 'EUR'; }
function wc_get_product( $id ) { return new Small_Product(); }
function wc_get_order( $id ) { return new Small_Order(); }

add_action( 'init', function () { register_taxonomy( 'product_cat', 'page' ); } );

add_action( 'template_redirect', function () {
	$act = isset( $_GET['act'] ) ? $_GET['act'] : '';
	if ( 'add' === $act ) {
		do_action( 'woocommerce_add_to_cart', 'line-1', 93, 2, 0, array(), array() );
	} elseif ( 'sign-in' === $act ) {
		$user = get_user_by( 'login', 'ben' );
		wp_set_current_user( $user->ID );
		do_action( 'wp_login', 'ben', $user );
		do_action( 'woocommerce_add_to_cart', 'line-2', 93, 1, 0, array(), array() );
	} elseif ( 'order' === $act ) {
		delete_option( 'small_order' );
		$order = new Small_Order();
		$order->set( 'number', isset( $_GET['number'] ) ? $_GET['number'] : '2001' );
		do_action( 'woocommerce_checkout_order_created', $order );
		$order->set( 'status', 'processing' );
		do_action( 'woocommerce_order_status_changed', 727, 'pending', 'processing', $order );
	} elseif ( 'refund' === $act ) {
		( new Small_Order() )->set( 'refunds', 1 );
		do_action( 'woocommerce_order_refunded', 727, 731 );
	} elseif ( 'register' === $act ) {
		wp_insert_user( array( 'user_login' => 'ben', 'user_pass' => 'password', 'user_email' => 'ben@shop.test', 'role' => 'subscriber' ) );
	} elseif ( 'cron' === $act ) {
		delete_option( 'opportune_down' ); // as if the time until then had passed.
		foreach ( _get_cron_array() as $hooks ) {
			foreach ( isset( $hooks['opportune_tell_order'] ) ? $hooks['opportune_tell_order'] : array() as $event ) {
				do_action_ref_array( 'opportune_tell_order', $event['args'] );
			}
		}
	}
} );
